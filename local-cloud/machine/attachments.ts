import { chownSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { run } from "../../shared/process";
import { changeDeviceRules, deviceNumber } from "./devices";
import { systemdPid } from "./host-process";
import { instanceExists } from "./instance-disk";
import { withLock } from "./lock";
import type { AttachedVolume } from "./model";
import { mounts } from "./mounts";
import { instanceDir } from "./paths";
import { ensureLoopDevice, loopDevice, releaseLoopDevice } from "./volume";

/*
 * The volumes of a host: loop devices that the host sees as NVMe devices.
 */

/** Shows the volumes to the instance, whether it runs or not. */
export function attachVolumes(id: string, volumes: AttachedVolume[]): Promise<void> {
  return withLock(`instance ${id}`, async () => {
    const attached = await showVolumes(volumes);
    writeDevices(id, attached);
    const pid = systemdPid(id);
    if (pid === undefined) {
      return;
    }
    await changeDeviceRules(id, pathsOf(attached));
    for (const { volumeId, device, index } of attached) {
      const node = seenFromOutside(pid, devicePath(index));
      const link = seenFromOutside(pid, byId(volumeId));
      if (!existsSync(node)) {
        const { major, minor } = deviceNumber(device);
        await run(["mknod", "--mode=660", node, "b", `${major}`, `${minor}`]);
        chownSync(node, 0, DISK_GROUP);
      }
      mkdirSync(dirname(link), { recursive: true, mode: 0o755 });
      if (!existsSync(link)) {
        symlinkSync(`../../nvme${index}n1`, link);
      }
    }
  });
}

/**
 * Takes a volume from the instance.
 *
 * @param force Even if the host has it mounted, as if its cable were pulled.
 * @returns false, and does nothing, if the host has it mounted.
 */
export function detachVolume(
  id: string,
  { volumeId, index }: AttachedVolume,
  remaining: AttachedVolume[],
  force: boolean,
): Promise<boolean> {
  return withLock(`instance ${id}`, async () => {
    if (!instanceExists(id)) {
      return true;
    } // it was terminated meanwhile
    const [pid, device] = [systemdPid(id), loopDevice(volumeId)];
    const left = await showVolumes(remaining);
    if (pid !== undefined && device !== undefined) {
      const mountPoints = mountPointsOf(pid, device);
      if (mountPoints.length && !force) {
        return false;
      }
      // What was there at boot is bound from outside; what came later is a node and a link.
      const names = [devicePath(index), byId(volumeId)];
      const bound = mounts(pid).map(({ point }) => point);
      for (const path of [...mountPoints, ...names.filter((name) => bound.includes(name))]) {
        await unmountInHost(pid, path);
      }
      for (const name of names) {
        rmSync(seenFromOutside(pid, name), { force: true });
      }
      await changeDeviceRules(id, pathsOf(left));
    }
    writeDevices(id, left);
    await releaseLoopDevice(volumeId);
    return true;
  });
}

/** A path of a running host, as the machine sees it. */
const seenFromOutside = (pid: number, path: string) => `/proc/${pid}/root${path}`;

/** Debian's group of block devices. */
const DISK_GROUP = 6;

/** Unmounts with the machine's own program: the host may have put anything in the place of its own. */
const unmountInHost = (pid: number, path: string) =>
  run([
    "nsenter", "--target", `${pid}`, "--pid",
    "umount", "--namespace", `/proc/${pid}/ns/mnt`, "--no-canonicalize", "--lazy", path,
  ]); // prettier-ignore

/** Where the process with that pid sees a file system of the device. */
export function mountPointsOf(pid: number, device: string): string[] {
  const { major, minor } = deviceNumber(device);
  return mounts(pid)
    .filter((mount) => mount.device === `${major}:${minor}`)
    .map(({ point }) => point);
}

/** A volume with its loop device. */
export interface ShownVolume extends AttachedVolume {
  /** As the machine calls it. */
  device: string;
}

/** The loop devices of the volumes. */
export const pathsOf = (volumes: ShownVolume[]) => volumes.map(({ device }) => device);

/** Makes the loop devices of the volumes. */
export async function showVolumes(volumes: AttachedVolume[]): Promise<ShownVolume[]> {
  const found = [];
  for (const volume of volumes) {
    found.push({ ...volume, device: await ensureLoopDevice(volume.volumeId) });
  }
  return found;
}

/** Notes the volumes as systemd-nspawn takes them, for every boot. */
export function writeDevices(id: string, attached: ShownVolume[]): void {
  const binds = attached.flatMap(({ volumeId, device, index }) => [
    `--bind=${device}:${devicePath(index)}`,
    `--bind=${device}:${byId(volumeId)}`,
  ]);
  writeFileSync(join(instanceDir(id), "devices"), `${binds.join(" ")}\n`, { mode: 0o600 });
}

/** Where the host sees a volume. */
const devicePath = (index: number) => `/dev/nvme${index}n1`;

/** The name that udev gives an EBS volume on a Nitro instance. */
const byId = (volumeId: string) =>
  `/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${volumeId.replace("-", "")}`;
