import { spawn } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../shared/process";
import { Refusal } from "../lib/refusal";
import { cacheContents, type CacheEntry } from "./entries";

const DAY_MS = 86_400_000;

/**
 * The entries that nobody needs: no checkout links to them, nothing that runs stands on them, and no
 * set-up has used them for so many days. That spares checkouts of which the cache has no note, such as
 * those of earlier releases. Without a time of the last use an entry counts as used today.
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
 * Removes entries that nobody needs, and returns those that are gone.
 *
 * @param choose Picks them. Set-ups wait until the end, so that none finds what is about to go.
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

/** Whole or gone: the entry gets another name first. One that is being made stays. */
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

/** Takes the lock that set-ups share, and returns what gives it back. */
async function holdLock(file: string): Promise<() => void> {
  const holder = spawn("flock", ["--nonblock", file, "sh", "-c", "echo held; exec cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await new Promise<void>((resolve, reject) => {
    holder.stdout.once("data", () => resolve());
    holder.once("error", reject);
    holder.once("close", () =>
      reject(new Refusal("a set-up is under way.", "Wait until it has ended, and try again.")),
    );
  });
  return () => holder.stdin.end();
}
