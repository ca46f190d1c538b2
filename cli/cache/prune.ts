import { spawn } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../shared/process";
import { Refusal } from "../lib/refusal";
import { cacheContents, type CacheEntry } from "./entries";

const DAY_MS = 86_400_000;

/**
 * Returns the unused entries: no checkout, lab or process uses them, and no setup has used them for
 * `unusedDays`. The number of days protects entries of checkouts without a note in the cache, such as those
 * of earlier releases. An entry without an access time counts as used today.
 */
export function prunable(
  entries: readonly CacheEntry[],
  unusedDays: number,
  now = Date.now(),
): CacheEntry[] {
  return entries.filter(({ inUse, lastUsed }) => {
    const days = lastUsed === undefined ? 0 : (now - Date.parse(lastUsed)) / DAY_MS;
    return !inUse && days >= unusedDays;
  });
}

/**
 * Removes unused entries, and returns the removed ones.
 *
 * @param choose Selects the entries. Setups wait until the end, so that none uses an entry in removal.
 */
export async function prune(
  cache: string,
  choose: (entries: readonly CacheEntry[]) => CacheEntry[],
): Promise<CacheEntry[]> {
  mkdirSync(join(cache, "locks"), { recursive: true });
  const release = await holdLock(join(cache, "locks/prune"));
  try {
    const { entries } = await cacheContents(cache);
    const removed: CacheEntry[] = [];
    for (const entry of choose(entries)) {
      if (await remove(cache, entry)) {
        removed.push(entry);
      }
    }
    return removed;
  } finally {
    release();
  }
}

/** Renames the entry first, so that it is never incomplete. Keeps an entry that a setup is creating. */
async function remove(cache: string, { kind, key, path }: CacheEntry): Promise<boolean> {
  const aside = join(cache, kind, `.pruned-${key}-${process.pid}`);
  const lock = join(cache, "locks", `${kind}-${key}`);
  const moved = await run(["flock", "--nonblock", lock, "mv", "-T", join(cache, path), aside]).then(
    () => true,
    () => false,
  );
  if (moved) {
    await run(["rm", "--recursive", "--force", "--one-file-system", aside]);
    rmSync(lock, { force: true });
  }
  return moved;
}

/** Takes the lock that setups share. Returns a function that releases it. */
async function holdLock(file: string): Promise<() => void> {
  const holder = spawn("flock", ["--nonblock", file, "sh", "-c", "echo held; exec cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await new Promise<void>((resolve, reject) => {
    holder.stdout.once("data", () => resolve());
    holder.once("error", reject);
    holder.once("close", () =>
      reject(new Refusal("a setup is running.", "Wait until it has ended, and try again.")),
    );
  });
  return () => holder.stdin.end();
}
