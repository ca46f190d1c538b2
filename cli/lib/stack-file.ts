import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isScalar, parseDocument } from "yaml";
import { readStackConfig } from "./stack-config";

/** The cloud of a stack: the local cloud or AWS. */
export type Target = "local" | "aws";

/** The settings that commands read themselves. The program checks them. */
export interface StackFile {
  target: Target;
  /** The versions in the settings, by product. */
  versions: { kafka?: string; zookeeper?: string };
}

const PRODUCTS = ["kafka", "zookeeper"] as const;

/**
 * Reads the text of a `Pulumi.STACK.yaml`.
 *
 * @param file The file name for error messages.
 * @throws Refusal if the text is not YAML.
 */
export function readStackFile(text: string, file: string): StackFile {
  const config = readStackConfig(text, file);
  const versions = PRODUCTS.flatMap((product) => {
    const version = config[`kafkalab:${product}Version`];
    return version === undefined ? [] : [[product, version] as const];
  });
  return {
    target: config["kafkalab:target"] === "aws" ? "aws" : "local",
    versions: Object.fromEntries(versions),
  };
}

/** Reads the file of a stack. A stack without a file has no settings. */
export function stackFileOf(stack: string, directory: string): StackFile {
  const path = join(directory, `Pulumi.${stack}.yaml`);
  return existsSync(path)
    ? readStackFile(readFileSync(path, "utf8"), path)
    : { target: "local", versions: {} };
}

/**
 * The releases in the settings of a run, as `PRODUCT-VERSION`. The setup provides them.
 *
 * @param flags Flags of pulumi, among which `--config-file FILE` replaces the stack's file and
 *   `--config kafkalab:kafkaVersion=VERSION` adds to it.
 */
export function releasesNamed(
  stack: string,
  directory: string,
  flags: readonly string[],
): string[] {
  const named: string[] = [];
  let { versions } = stackFileOf(stack, directory);
  flags.forEach((flag, index) => {
    const file = /^--config-file=(.*)$/s.exec(flag)?.[1];
    const path = flag === "--config-file" ? flags[index + 1] : file;
    if (path !== undefined && existsSync(path)) {
      versions = readStackFile(readFileSync(path, "utf8"), path).versions;
    }
    const setting = /(?:^|=)kafkalab:(kafka|zookeeper)Version=["']?([^"']*)["']?$/.exec(flag);
    if (setting !== null) {
      named.push(`${setting[1]}-${setting[2]}`);
    }
  });
  const own = Object.entries(versions).map(([product, version]) => `${product}-${version}`);
  return [...own, ...named].filter((release) => /^[a-z]+-[0-9.]+$/.test(release));
}

/** The releases of a stack without own versions: the defaults in the text of Pulumi.yaml. */
export function defaultReleases(text: string): string[] {
  const document = parseDocument(text);
  return PRODUCTS.flatMap((product) => {
    const path = ["config", `kafkalab:${product}Version`, "default"];
    const value: unknown = document.getIn(path, true);
    return isScalar(value) ? [`${product}-${value.source ?? String(value.value)}`] : [];
  });
}
