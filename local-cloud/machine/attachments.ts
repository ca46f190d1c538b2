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
 * The volumes of a host are loop devices of the machine. The host sees them as NVMe devices.
 */

/** Attaches volumes to an instance, whether it runs or not. */
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
 * Detaches a volume from an instance.
 *
 * @param force Detaches the volume even if the host has it mounted.
 * @returns False if the host has the volume mounted. In that case nothing changes.
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
    } // another process has terminated it
    const [pid, device] = [systemdPid(id), loopDevice(volumeId)];
    const left = await showVolumes(remaining);
    if (pid !== undefined && device !== undefined) {
      const mountPoints = mountPointsOf(pid, device);
      if (mountPoints.length && !force) {
        return false;
      }
      // A volume attached before the boot is a bind mount. A later one is a device node and a link.
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

/** The machine's path to a file of a running host. */
const seenFromOutside = (pid: number, path: string) => `/proc/${pid}/root${path}`;

/** Id of Debian's group `disk`, which owns block devices. */
const DISK_GROUP = 6;

/** Unmounts with the machine's `umount`, because root on the host may have replaced the host's own. */
const unmountInHost = (pid: number, path: string) =>
  run([
    "nsenter", "--target", `${pid}`, "--pid",
    "umount", "--namespace", `/proc/${pid}/ns/mnt`, "--no-canonicalize", "--lazy", path,
  ]); // prettier-ignore

/** The mount points of a device, in the mount namespace of a process. */
export function mountPointsOf(pid: number, device: string): string[] {
  const { major, minor } = deviceNumber(device);
  return mounts(pid)
    .filter((mount) => mount.device === `${major}:${minor}`)
    .map(({ point }) => point);
}

/** A volume with its loop device. */
export interface ShownVolume extends AttachedVolume {
  /** Path of the loop device on the machine. */
  device: string;
}

/** The paths of the volumes' loop devices. */
export const pathsOf = (volumes: ShownVolume[]) => volumes.map(({ device }) => device);

/** Creates the loop devices of the volumes. */
export async function showVolumes(volumes: AttachedVolume[]): Promise<ShownVolume[]> {
  const found = [];
  for (const volume of volumes) {
    found.push({ ...volume, device: await ensureLoopDevice(volume.volumeId) });
  }
  return found;
}

/** Writes the volumes as options of systemd-nspawn, for every boot. */
export function writeDevices(id: string, attached: ShownVolume[]): void {
  const binds = attached.flatMap(({ volumeId, device, index }) => [
    `--bind=${device}:${devicePath(index)}`,
    `--bind=${device}:${byId(volumeId)}`,
  ]);
  writeFileSync(join(instanceDir(id), "devices"), `${binds.join(" ")}\n`, { mode: 0o600 });
}

/** The device path of a volume on the host. */
const devicePath = (index: number) => `/dev/nvme${index}n1`;

/** The name that udev gives an EBS volume on a Nitro instance. */
const byId = (volumeId: string) =>
  `/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${volumeId.replace("-", "")}`;
