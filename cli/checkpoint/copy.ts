import { constants, copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../shared/process";

/*
 * cp copies disks. If the file system can share blocks between files (XFS, Btrfs), cp only creates
 * references. Otherwise (ext4) it copies the allocated blocks.
 */

/** Whether the file system of this directory can share blocks between files. */
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

/** Copies files and trees in parallel, with owners, times, links, holes and extended attributes. */
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
  // Report errors only after all copies have ended, so that the caller can remove the files.
  const failed = ended.find((end) => end.status === "rejected");
  if (failed) {
    throw failed.reason as Error;
  }
}
