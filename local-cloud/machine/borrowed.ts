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
import { runDir, vpcRunDir } from "./paths";
import { run } from "../../shared/process";
import { areLinksClaimed, claimLinks, MANAGER_DIRECTORIES, releaseLinks } from "./unmanaged";

/*
 * What the labs of a machine share in /run: from before the first VPC of all labs until after the last.
 *
 * iproute2 and systemd-nspawn make directories there for themselves, and keep them. What was not there
 * before the first VPC is removed after the last one, unless others use it.
 */

/** What they make; what is inside another comes first. */
const DIRECTORIES = [
  ...MANAGER_DIRECTORIES,
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

/** Makes the directory of a VPC's running parts, and what all VPCs share. Call it first. */
export async function borrow(vpcId: string): Promise<void> {
  if (existsSync(vpcRunDir(vpcId)) && areLinksClaimed()) {
    return;
  }
  await withMachineLock("run", async () => {
    // A directory without a note in it is of an earlier release: nobody knows what was there before.
    if (!existsSync(runDir)) {
      mkdirSync(runDir, { mode: 0o755 });
      const before: Before = { directories: DIRECTORIES.filter(existsSync), mounted: isMounted() };
      writeFileSync(note, JSON.stringify(before));
    }
    mkdirSync(vpcRunDir(vpcId), { recursive: true, mode: 0o755 });
    await claimLinks();
  });
}

/** Removes the directory of a VPC and, after the last VPC of all labs, puts back what they shared. */
export function giveBack(vpcId: string): Promise<void> {
  return withMachineLock("run", async () => {
    rmSync(vpcRunDir(vpcId), { recursive: true, force: true });
    if (!existsSync(runDir) || readdirSync(runDir).some((name) => join(runDir, name) !== note)) {
      return;
    }
    await releaseLinks();
    if (existsSync(note)) {
      const before = JSON.parse(readFileSync(note, "utf8")) as Before;
      if (!before.mounted) {
        await unmount();
      }
      for (const directory of DIRECTORIES) {
        if (!before.directories.includes(directory)) {
          removeIfEmpty(directory);
        }
      }
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
