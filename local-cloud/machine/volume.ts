import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { volumeFile } from "./paths";
import { run } from "../../shared/process";

const GIB = 2 ** 30;

/** Creates the volume's sparse file, or grows it. Never shrinks it. */
export async function ensureVolume(id: string, sizeGib: number): Promise<void> {
  const file = volumeFile(id);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const isNew = !existsSync(file);
  if (isNew) {
    writeFileSync(file, "", { mode: 0o600 });
  }
  if (statSync(file).size < sizeGib * GIB) {
    grow(file, sizeGib);
  }
  if (isNew) {
    return;
  }
  // Even if the file already has this size: an earlier run may have been killed before this step.
  const device = loopDevice(id);
  if (device !== undefined) {
    await run(["losetup", "--set-capacity", device]);
  }
}

function grow(file: string, sizeGib: number): void {
  try {
    truncateSync(file, sizeGib * GIB);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EFBIG") {
      throw error;
    }
    const rule = `the file system of ${file} does not support a file of ${sizeGib} GiB`;
    throw new Error(`${rule}. Choose a smaller volume.`, { cause: error });
  }
}

/** Whether the volume's file exists. */
export const volumeExists = (id: string) => existsSync(volumeFile(id));

/** The loop device of the volume's file, if there is one. */
export function loopDevice(id: string): string | undefined {
  if (!volumeExists(id)) {
    return undefined;
  }
  const file = realpathSync(volumeFile(id));
  const device = readdirSync(DEVICES).find((name) => backingFile(name) === file);
  return device && `/dev/${device}`;
}

/** The kernel's list of block devices, including loop devices: sysfs(5). */
const DEVICES = "/sys/block";

function backingFile(device: string): string | undefined {
  try {
    return readFileSync(join(DEVICES, device, "loop/backing_file"), "utf8").trimEnd();
  } catch {
    return undefined; // no loop device, or one without a file
  }
}

/** Creates a loop device for the volume's file, and returns its path. */
export async function ensureLoopDevice(id: string): Promise<string> {
  return loopDevice(id) ?? (await run(["losetup", "--find", "--show", volumeFile(id)])).trim();
}

/** Detaches the loop device. If a host still has it mounted, the kernel detaches it after the unmount. */
export async function releaseLoopDevice(id: string): Promise<void> {
  const device = loopDevice(id);
  if (device !== undefined) {
    await run(["losetup", "--detach", device]);
  }
}

/** Removes the volume and its data, like deleting an EBS volume. */
export async function removeVolume(id: string): Promise<void> {
  await releaseLoopDevice(id);
  rmSync(volumeFile(id), { force: true });
}
