import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "../../shared/wait";
import { pathsOf, showVolumes, writeDevices } from "./attachments";
import { controlGroup, processesIn, removeCgroups } from "./control-groups";
import { daemonPid, killIfThere, startDaemon, stopDaemon, untilEnded } from "./daemon";
import { makeDeviceRules, removeDeviceRules } from "./devices";
import {
  forgetHost,
  hostDaemon,
  hostPids,
  hostScript,
  hostUnit,
  lastSeen,
  systemdPid,
} from "./host-process";
import { ensureDisk, unmountDisk } from "./instance-disk";
import { withLock } from "./lock";
import type { InstanceSpec } from "./model";
import { ensureInterface, removeNamespace } from "./network";
import { instanceDir } from "./paths";
import { ensureSysctl } from "./sysctl";
import { releaseLoopDevice } from "./volume";

/*
 * An instance is a systemd-nspawn container that boots the image copy-on-write:
 *
 *   instances/i-…/upper, work   the host's writes (overlayfs over the image)
 *   instances/i-…/image         symbolic link to the image
 *   instances/i-…/root          mount point of the overlay
 *   instances/i-…/host.sh       script that runs the host until it is powered off; a systemd service if
 *                               the machine's PID 1 is systemd
 *   instances/i-…/devices       volumes for the next boot
 *   instances/i-…/console.log   console output
 */

const BOOT_SECONDS = 60;
const POWER_OFF_SECONDS = 90;
/** How long a killed process may take to end. */
const KILL_SECONDS = 10;
const INTERVAL_MS = 10;

/** Whether the instance is powered on. */
export const instanceRuns = (id: string) => daemonPid(hostDaemon(id)) !== undefined;

/** Whether the instance is powered on and connected to its network. */
export function instanceIsWhole(id: string): boolean {
  if (!instanceRuns(id)) {
    return false;
  }
  const pid = systemdPid(id);
  if (pid === undefined) {
    return true;
  } // booting or shutting down
  try {
    return readFileSync(`/proc/${pid}/net/dev`, "utf8").includes("ens5:");
  } catch {
    return false;
  }
}

/** Whether a process of the instance listens on the TCP port. Reads the kernel's table of sockets. */
export function instanceListens(id: string, port: number): boolean {
  const pid = systemdPid(id);
  const listening = new RegExp(
    `^ *\\d+: [0-9A-F]+:${port.toString(16).toUpperCase().padStart(4, "0")} [0-9A-F]+:0000 0A `,
    "m",
  );
  try {
    return ["tcp", "tcp6"].some((table) =>
      listening.test(readFileSync(`/proc/${pid}/net/${table}`, "utf8")),
    );
  } catch {
    return false; // booting or shutting down
  }
}

/** Creates the instance if it is new, and powers it on if it does not run. */
export function startInstance(spec: InstanceSpec): Promise<void> {
  const { id } = spec.host;
  return withLock(`instance ${id}`, async () => {
    await ensureInterface(spec.vpcId, spec.host);
    if (instanceRuns(id)) {
      return;
    }
    await powerOff(id); // removes the rest of an earlier start
    await ensureSysctl("fs.inotify.max_user_instances", 8192); // systemd needs about 15 for each host
    await ensureDisk(spec);
    const attached = await showVolumes(spec.volumes);
    writeDevices(id, attached);
    makeDeviceRules(id, pathsOf(attached));
    writeFileSync(join(instanceDir(id), "host.sh"), hostScript(id), { mode: 0o700 });
    await startDaemon({ ...hostDaemon(id), unit: hostUnit(spec, pathsOf(attached)) });
    await untilRunning(id);
  });
}

function untilRunning(id: string): Promise<true> {
  let started = false;
  return waitFor<true>(wait(id, "running", BOOT_SECONDS), () => {
    if (systemdPid(id) !== undefined) {
      return { done: true };
    }
    const runs = instanceRuns(id);
    if (started && !runs) {
      const { logFile } = hostDaemon(id);
      throw new Error(
        `instance ${id} ended while it booted; last saw ${lastSeen(id)}; logs: ${logFile}`,
      );
    }
    started ||= runs;
    return { seen: lastSeen(id) };
  });
}

const wait = (id: string, state: string, seconds: number) => ({
  what: `instance ${id}`,
  ...{ state, seconds, intervalMs: INTERVAL_MS },
  logs: hostDaemon(id).logFile,
});

/**
 * Shuts the instance down cleanly and waits until it is off. It keeps its disk and its private address.
 *
 * @param force Powers it off at once, like a power failure.
 */
export function stopInstance(id: string, force = false): Promise<void> {
  return withLock(`instance ${id}`, async () => {
    const pid = systemdPid(id);
    if (force || pid === undefined) {
      return powerOff(id);
    }
    process.kill(pid, SIGRTMIN + 4); // systemd(1): starts poweroff.target
    await waitFor(wait(id, "stopped", POWER_OFF_SECONDS), () =>
      instanceRuns(id) ? { seen: lastSeen(id) } : { done: true },
    );
    await forgetHost(id);
  });
}

/** Powers the instance off without a clean shutdown, and removes everything except its volumes. */
export async function terminateInstance(id: string, volumeIds: string[]): Promise<void> {
  await unplugInstance(id, volumeIds);
  await withLock(`instance ${id}`, () => rmSync(instanceDir(id), { recursive: true, force: true }));
}

/** Powers the instance off at once, and removes all its kernel objects. Keeps its disks. */
export function unplugInstance(id: string, volumeIds: string[]): Promise<void> {
  return withLock(`instance ${id}`, async () => {
    await powerOff(id);
    await removeNamespace(id);
    await unmountDisk(id);
    for (const volumeId of volumeIds) {
      await releaseLoopDevice(volumeId);
    }
    removeCgroups(id);
    removeDeviceRules(id);
  });
}

const SIGRTMIN = 34;

/** Kills all processes of the host, in any state. */
async function powerOff(id: string): Promise<void> {
  for (const pid of hostPids(id)) {
    killIfThere(pid);
    await untilEnded(pid, `process ${pid} of instance ${id}`, KILL_SECONDS);
  }
  await stopDaemon(hostDaemon(id), "SIGKILL");
  await endRemains(id);
  await forgetHost(id);
}

/**
 * Kills the remaining processes in the host's control group. If only systemd-nspawn is killed, the host
 * keeps running, and would share its disk and its volumes with the next boot.
 */
async function endRemains(id: string): Promise<void> {
  const group = await controlGroup(id);
  if (group === undefined) {
    return;
  }
  const remains = { what: `the processes of instance ${id}`, state: "ended" };
  await waitFor({ ...remains, seconds: KILL_SECONDS, intervalMs: INTERVAL_MS }, () => {
    const pids = processesIn(group);
    pids.forEach(killIfThere);
    return pids.length === 0 ? { done: true } : { seen: `${pids.join(", ")} in ${group}` };
  });
}
