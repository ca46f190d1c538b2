import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { withMachineLock } from "./lock";
import { mounts } from "./mounts";
import { runDir } from "./paths";
import { run } from "./run";

/*
 * iproute2 and systemd-nspawn make directories in /run for themselves, and keep them. What was not
 * there before the first lab of the machine is removed after the last one, unless others use it.
 */

/** What they make; what is inside another comes first. */
const DIRECTORIES = [
  "/run/netns",
  "/run/systemd/nspawn/locks",
  "/run/systemd/nspawn/propagate",
  "/run/systemd/nspawn/unix-export",
  "/run/systemd/nspawn",
  "/run/systemd/machines",
  "/run/systemd",
  "/run/mount", // of mount and umount
];

/** What iproute2 mounts upon itself. */
const NETNS = "/run/netns";

/** What was there before the first lab. */
interface Before {
  directories: string[];
  mounted: boolean;
}

const note = join(runDir, "before.json");
const isMounted = () => mounts().some(({ point }) => point === NETNS);

/** Notes what is there, unless another lab has. To be called before anything else in `/run`. */
export function noteBefore(): Promise<void> {
  return withMachineLock("run", () => {
    // Without a note in it, it is of an earlier release: nobody knows what was there.
    if (existsSync(runDir)) return;
    mkdirSync(runDir, { mode: 0o755 });
    const before: Before = { directories: DIRECTORIES.filter(existsSync), mounted: isMounted() };
    writeFileSync(note, JSON.stringify(before));
  });
}

/** Puts all of it back if there is no other lab. */
export function restoreBefore(): Promise<void> {
  return withMachineLock("run", async () => {
    if (!existsSync(runDir) || readdirSync(runDir).some((name) => join(runDir, name) !== note))
      return;
    if (existsSync(note)) {
      const before = JSON.parse(readFileSync(note, "utf8")) as Before;
      if (!before.mounted) await unmount();
      for (const directory of DIRECTORIES)
        if (!before.directories.includes(directory)) removeIfEmpty(directory);
    }
    rmSync(note, { force: true });
    rmdirSync(runDir);
  });
}

/** Two at once may have mounted it twice. With a namespace in it, it is busy: the kernel refuses. */
async function unmount(): Promise<void> {
  while (isMounted()) {
    try {
      await run(["umount", NETNS]);
    } catch {
      return;
    }
  }
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // Not there, or somebody's things are in it.
  }
}
