import { constants, copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../shared/process";

/*
 * Disks are copied by cp: where the file system shares blocks between files (XFS, Btrfs), it only
 * notes that they are shared; where it does not (ext4), it copies the blocks that are in use.
 */

/** Whether the file system of this directory shares blocks between files. */
export function sharesBlocks(dir: string): boolean {
  const [file, copy] = [join(dir, "probe"), join(dir, "probe-copy")];
  writeFileSync(file, "x".repeat(4096));
  try {
    copyFileSync(file, copy, constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(file);
    rmSync(copy, { force: true });
  }
}

/** Copies files and trees, all at once, with owners, times, links, holes and extended attributes. */
export async function copyAll(
  copies: { from: string; to: string }[],
  signal?: AbortSignal,
): Promise<void> {
  const ended = await Promise.allSettled(
    copies.map(({ from, to }) => {
      mkdirSync(join(to, ".."), { recursive: true, mode: 0o700 });
      const argv = ["cp", "--archive", "--reflink=auto", "--sparse=auto", "--no-target-directory"];
      return run([...argv, from, to], "", signal);
    }),
  );
  // Only when none is at work any more: what they have made may be removed then.
  const failed = ended.find((end) => end.status === "rejected");
  if (failed) {
    throw failed.reason as Error;
  }
}
