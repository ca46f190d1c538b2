import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../shared/process";
import { cacheUsers, entriesInUse, machineTexts } from "./users";

/** The kinds of entries that the setup creates again if they are missing. */
export const KINDS = [
  "archives",
  "bases",
  "bundles",
  "images",
  "npm",
  "plugins",
  "releases",
  "tools",
] as const;

/** An entry of the cache: a directory that the setup created. Its key is a hash of all its inputs. */
export interface CacheEntry {
  kind: string;
  /** 40 hexadecimal digits. */
  key: string;
  /** Relative to the cache. Leftovers of a killed run have special names. */
  path: string;
  bytes: number;
  inUse: boolean;
  /** ISO 8601, accurate to a day. Absent if the file system does not record access times. */
  lastUsed?: string;
}

/** A directory of the cache without entries: downloads, locks, compiled code. */
export interface CacheStore {
  kind: string;
  bytes: number;
}

/** The contents of the cache. */
export interface CacheContents {
  directory: string;
  entries: CacheEntry[];
  stores: CacheStore[];
}

/** Reads the contents of the cache. */
export async function cacheContents(cache: string): Promise<CacheContents> {
  const kinds = existsSync(cache) ? readdirSync(cache).sort() : [];
  const paths = kinds.flatMap((kind) =>
    isKind(kind) ? entryNames(join(cache, kind)).map((name) => `${kind}/${name}`) : [kind],
  );
  const sizes = await diskUsage(cache, paths);
  const used = entriesInUse(cache, cacheUsers(cache), machineTexts());
  const noAccessTimes = isWithoutAccessTimes(cache, readFileSync("/proc/self/mounts", "utf8"));
  const entries = paths.flatMap((path): CacheEntry[] => {
    const [kind = "", name = ""] = path.split("/");
    const [key] = /[0-9a-f]{40}/.exec(name) ?? [];
    if (key === undefined) {
      return [];
    }
    const lastUsed = noAccessTimes ? undefined : usedAt(join(cache, path));
    return [
      {
        ...{ kind, key, path, bytes: sizes.get(path) ?? 0, inUse: used.has(`${kind}/${key}`) },
        ...(lastUsed !== undefined && { lastUsed }),
      },
    ];
  });
  const stores = kinds
    .filter((kind) => !isKind(kind))
    .map((kind) => ({ kind, bytes: sizes.get(kind) ?? 0 }));
  return { directory: cache, entries, stores };
}

const isKind = (name: string): boolean => (KINDS as readonly string[]).includes(name);

/** The names of entries, including leftovers of killed runs. */
function entryNames(directory: string): string[] {
  return readdirSync(directory).filter((name) =>
    /^(\.making-|\.broken-|\.pruned-)?[0-9a-f]{40}(-\d+)?$/.test(name),
  );
}

async function diskUsage(cache: string, paths: string[]): Promise<Map<string, number>> {
  if (paths.length === 0) {
    return new Map();
  }
  const full = paths.map((path) => join(cache, path));
  const text = await run(["du", "--summarize", "--one-file-system", "--block-size=1", ...full]);
  return new Map(
    text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => {
        const [bytes, path = ""] = line.split("\t");
        return [path.slice(cache.length + 1), Number(bytes)];
      }),
  );
}

/** Each setup reads an entry's list of files. The file system records this access once a day. */
function usedAt(path: string): string {
  const manifest = join(path, ".manifest");
  const { atimeMs, mtimeMs } = statSync(existsSync(manifest) ? manifest : path);
  return new Date(Math.max(atimeMs, mtimeMs)).toISOString();
}

/**
 * Whether the file system of a directory does not record access times.
 *
 * @param mounts The text of `/proc/self/mounts`.
 */
export function isWithoutAccessTimes(directory: string, mounts: string): boolean {
  const found = mounts
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, at = "?"]) => at === "/" || directory === at || directory.startsWith(`${at}/`))
    .sort(([, a = ""], [, b = ""]) => a.length - b.length)
    .at(-1);
  return (found?.[3] ?? "").split(",").includes("noatime");
}
