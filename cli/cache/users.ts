import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
} from "node:fs";
import { join } from "node:path";
import { root, stateDir } from "../lib/places";

/*
 * Finds the entries of the cache that are in use. Each setup records its checkout and its state directory in
 * the cache (`note_user` in scripts/dev/lib.sh).
 */

/** A checkout and its state directory. */
export interface CacheUser {
  checkout: string;
  state: string;
}

/** The users on record in the cache, and this checkout. */
export function cacheUsers(cache: string): CacheUser[] {
  const directory = join(cache, "users");
  const noted = (existsSync(directory) ? readdirSync(directory) : [])
    .filter((name) => name.endsWith(".json"))
    .map((name) => JSON.parse(readFileSync(join(directory, name), "utf8")) as CacheUser);
  return [...noted, { checkout: root, state: stateDir }];
}

/** The kernel's lists of mounts and of running programs. */
export function machineTexts(): string[] {
  return [readFileSync("/proc/self/mounts", "utf8"), ...executables()];
}

/**
 * Returns `KIND/KEY` of each entry that these users, running hosts or processes use.
 *
 * @param machine See {@link machineTexts}.
 */
export function entriesInUse(
  cache: string,
  users: readonly CacheUser[],
  machine: readonly string[],
): Set<string> {
  const texts = [
    ...users.flatMap(({ checkout }) => textsOfCheckout(checkout)),
    ...users.flatMap(({ state }) => textsOfState(state)),
    ...machine,
  ];
  const direct = entriesNamed(texts.join("\n"), cache);
  // A directory of archives contains links to the releases.
  const tops = direct.filter((entry) => entry.startsWith("archives/"));
  const releases = tops.flatMap((top) => linksBelow(join(cache, top), 3));
  return new Set([...direct, ...entriesNamed(releases.join("\n"), cache)]);
}

/**
 * Finds entries in a text: by their paths, images by the mount source `kafkalab:KEY` of their hosts, and
 * npm entries by the stamp `npm/KEY` in node_modules.
 */
export function entriesNamed(text: string, cache: string): string[] {
  const prefix = cache.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const paths = text.matchAll(new RegExp(`${prefix}/([a-z-]+/[0-9a-f]{40})(?![0-9a-f])`, "g"));
  const mounts = text.matchAll(/^kafkalab:([0-9a-f]{40}) /gm);
  const stamps = text.matchAll(/^npm\/[0-9a-f]{40}$/gm);
  return [
    ...[...paths].map(([, entry = ""]) => entry),
    ...[...mounts].map(([, key = ""]) => `images/${key}`),
    ...[...stamps].map(([entry]) => entry),
  ];
}

function textsOfCheckout(checkout: string): string[] {
  const stamp = join(checkout, "node_modules/.kafkalab-key");
  return [
    ...linksBelow(join(checkout, ".lab"), 1),
    ...(existsSync(stamp) ? [`npm/${readFileSync(stamp, "utf8").trim()}`] : []),
  ];
}

/** The texts of a state directory: records with the paths of images, and links to plugins. */
function textsOfState(state: string): string[] {
  const checkpoints = join(state, "checkpoints");
  const files = [
    join(state, "cloud/state.json"),
    ...(existsSync(checkpoints) ? readdirSync(checkpoints) : []).flatMap((name) => [
      join(checkpoints, name, "cloud/state.json"),
      join(checkpoints, name, "new/cloud/state.json"),
      join(checkpoints, name, "old/cloud/state.json"),
    ]),
  ].filter((file) => existsSync(file));
  return [
    ...files.map((file) => readFileSync(file, "utf8")),
    ...linksBelow(join(state, "home/plugins"), 2),
  ];
}

/** The targets of the symbolic links in a directory, up to a depth. */
function linksBelow(directory: string, depth: number): string[] {
  if (!existsSync(directory)) {
    return [];
  }
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    const stat = lstatSync(path);
    if (stat.isSymbolicLink()) {
      return [readlinkSync(path), ...(existsSync(path) ? [realpathSync(path)] : [])];
    }
    return stat.isDirectory() && depth > 1 ? linksBelow(path, depth - 1) : [];
  });
}

function executables(): string[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    try {
      return [readlinkSync(`/proc/${pid}/exe`)];
    } catch {
      return []; // the process has ended, or is a kernel thread
    }
  });
}
