import { join } from "node:path";
import { shellQuote } from "../../shared/quote";
import { cacheDir, labDir, stateDir } from "./places";

/** What a variable of the environment is to be. */
export interface Setting {
  name: string;
  /** `undefined` removes the variable. */
  value: string | undefined;
  /** The value goes before what the variable has already, as with PATH. */
  prepend?: true;
}

type Variables = Record<string, string | undefined>;

/** Addresses on this machine, which no proxy can reach. */
const LOOPBACK = ["localhost", "127.0.0.1", "::1", "198.18.0.0/15"];

/**
 * Keeps what is on this machine from going through a proxy: Pulumi's processes speak to one another
 * over loopback. Values of the user's own are kept.
 */
export function withoutProxy(env: Variables): Setting[] {
  const lower = env["no_proxy"] || env["NO_PROXY"] || "";
  const upper = env["NO_PROXY"] || env["no_proxy"] || "";
  // The Node.js library of gRPC reads this one first, and does not know "*".
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
 * What Pulumi and Node.js need on either target. They keep what they compile in the cache, in place of
 * directories in /tmp that stay behind.
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
 * Where Pulumi keeps its state on the local target. Without the metadata that Pulumi's file store would
 * write beside each file: a run that is killed while it writes them leaves a stack that cannot be read.
 */
export function backendUrl(): string {
  const path = join(stateDir, "pulumi").split("/").map(uriPart).join("/");
  return `file://${path}?metadata=skip`;
}

/** As Pulumi's own parser of URLs wants it: these four have a meaning in a query or a path, too. */
function uriPart(part: string): string {
  return encodeURIComponent(part).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/**
 * The environment in which Pulumi finds everything of the local target. The mode of the state directory
 * protects the state's secrets: a passphrase kept beside them would add nothing, and the
 * `encryptionsalt` for it would have to be written into Pulumi.local.yaml on each machine.
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
 * Pulumi's SDK takes a stack trace of every promise that it makes, and ts-node maps each frame to its
 * line of TypeScript: a quarter of the program's time, for traces that nobody sees.
 */
export function withoutStackTraces(env: Variables): Setting[] {
  const before = env["NODE_OPTIONS"] ? `${env["NODE_OPTIONS"]} ` : "";
  return [{ name: "NODE_OPTIONS", value: `${before}--stack-trace-limit=0` }];
}

/** Gives this process, and what it starts, these variables. */
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
