import { join } from "node:path";
import { shellQuote } from "../../shared/quote";
import { cacheDir, labDir, stateDir } from "./places";

/** The wanted value of an environment variable. */
export interface Setting {
  name: string;
  /** `undefined` removes the variable. */
  value: string | undefined;
  /** Whether to prepend the value to the current one, as for PATH. */
  prepend?: true;
}

type Variables = Record<string, string | undefined>;

/** Addresses on this machine, which no proxy can reach. */
const LOOPBACK = ["localhost", "127.0.0.1", "::1", "198.18.0.0/15"];

/**
 * Excludes this machine's addresses from proxies: Pulumi's processes communicate over loopback. Keeps the
 * user's own values.
 */
export function withoutProxy(env: Variables): Setting[] {
  const lower = env["no_proxy"] || env["NO_PROXY"] || "";
  const upper = env["NO_PROXY"] || env["no_proxy"] || "";
  // gRPC's Node.js library reads this variable first, and does not support "*".
  const grpc = env["no_grpc_proxy"] || lower;
  const all = (value: string) => {
    const here = LOOPBACK.filter((place) => !value.split(",").includes(place));
    return [...(value === "" ? [] : [value]), ...here].join(",");
  };
  const unlessAll = (value: string) => (value === "*" ? value : all(value));
  return [
    { name: "no_proxy", value: unlessAll(lower) },
    { name: "NO_PROXY", value: unlessAll(upper) },
    { name: "no_grpc_proxy", value: all(grpc) },
  ];
}

/**
 * The variables that Pulumi and Node.js need on both targets. They put compiled code in the cache instead of
 * /tmp, where it would remain.
 */
export function toolEnvironment(env: Variables): Setting[] {
  return [
    { name: "PATH", value: `${join(labDir, "bin")}:`, prepend: true },
    { name: "PULUMI_SKIP_UPDATE_CHECK", value: "true" },
    { name: "PULUMI_NODEJS_TRANSPILE_ONLY", value: "true" },
    { name: "TS_NODE_CACHE_DIRECTORY", value: join(cacheDir, "ts-node") },
    { name: "TSX_DISABLE_CACHE", value: "1" },
    ...withoutProxy(env),
  ];
}

/**
 * The URL of Pulumi's state on the local target. It disables the metadata file next to each state file: a run
 * that is killed while it writes them leaves an unreadable stack.
 */
export function backendUrl(): string {
  const path = join(stateDir, "pulumi").split("/").map(uriPart).join("/");
  return `file://${path}?metadata=skip`;
}

/** Encodes a part of a URL for Pulumi's parser. These four characters are special in a query or a path, too. */
function uriPart(part: string): string {
  return encodeURIComponent(part).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/**
 * The environment of Pulumi for the local target. The mode of the state directory protects the state's
 * secrets. A passphrase in the same directory would not add protection, and each machine would have to write
 * its `encryptionsalt` into Pulumi.local.yaml.
 */
export function localEnvironment(env: Variables): Setting[] {
  return [
    { name: "KAFKALAB_CACHE", value: cacheDir },
    { name: "KAFKALAB_STATE", value: stateDir },
    { name: "PULUMI_HOME", value: join(stateDir, "home") },
    { name: "PULUMI_BACKEND_URL", value: backendUrl() },
    { name: "PULUMI_CONFIG_PASSPHRASE", value: "" },
    { name: "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", value: "true" },
    { name: "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS", value: "true" },
    { name: "PULUMI_CONFIG_PASSPHRASE_FILE", value: undefined },
    { name: "PULUMI_ACCESS_TOKEN", value: undefined },
    { name: "PULUMI_STACK", value: undefined },
    ...toolEnvironment(env),
  ];
}

/**
 * Pulumi's SDK records a stack trace for each promise that it creates, and ts-node maps each frame to its
 * line of TypeScript. This takes a quarter of the program's time, and nobody reads these traces.
 */
export function withoutStackTraces(env: Variables): Setting[] {
  const before = env["NODE_OPTIONS"] ? `${env["NODE_OPTIONS"]} ` : "";
  return [{ name: "NODE_OPTIONS", value: `${before}--stack-trace-limit=0` }];
}

/** Sets the variables for this process and its child processes. */
export function enterEnvironment(settings: Setting[]): void {
  for (const { name, value, prepend } of settings) {
    if (value === undefined) {
      delete process.env[name];
    } else {
      process.env[name] = prepend ? `${value}${process.env[name] ?? ""}` : value;
    }
  }
}

/** The variables as lines for `eval` in any POSIX shell. */
export function shellLines(settings: Setting[]): string[] {
  return settings.map(({ name, value, prepend }) => {
    if (value === undefined) {
      return `unset ${name}`;
    }
    return `export ${name}=${shellQuote(value)}${prepend ? `"$${name}"` : ""}`;
  });
}
