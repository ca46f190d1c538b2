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
 * The files in /run that all labs of a machine share. They exist while any lab has a VPC.
 *
 * iproute2 and systemd-nspawn create directories there and never remove them. After the last VPC, the
 * local cloud removes the directories that did not exist before the first VPC, unless others use them.
 */

/** The directories that these programs create. Subdirectories come before their parents. */
const DIRECTORIES = [
  ...MANAGER_DIRECTORIES,
  "/run/netns",
  "/run/systemd/nspawn/locks",
  "/run/systemd/nspawn/propagate",
  "/run/systemd/nspawn/unix-export",
  "/run/systemd/nspawn",
  "/run/systemd/machines",
  "/run/systemd",
  "/run/mount", // mount and umount create it
];

/** iproute2 bind-mounts this directory on itself. */
const NETNS = "/run/netns";

/** The state before the first lab. */
interface Before {
  directories: string[];
  mounted: boolean;
}

const note = join(runDir, "before.json");
const isMounted = () => mounts().some(({ point }) => point === NETNS);

/** Creates the run directory of a VPC, and the files that all VPCs share. Call it first. */
export async function borrow(vpcId: string): Promise<void> {
  if (existsSync(vpcRunDir(vpcId)) && areLinksClaimed()) {
    return;
  }
  await withMachineLock("run", async () => {
    // A directory without a note comes from an earlier release, so the former state is unknown.
    if (!existsSync(runDir)) {
      mkdirSync(runDir, { mode: 0o755 });
      const before: Before = { directories: DIRECTORIES.filter(existsSync), mounted: isMounted() };
      writeFileSync(note, JSON.stringify(before));
    }
    mkdirSync(vpcRunDir(vpcId), { recursive: true, mode: 0o755 });
    await claimLinks();
  });
}

/** Removes the run directory of a VPC. After the last VPC of all labs, also restores the former state. */
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

/** Unmounts all mounts: two concurrent processes may each have mounted it. Stops if it is busy. */
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
    // It does not exist, or contains files of others.
  }
}
