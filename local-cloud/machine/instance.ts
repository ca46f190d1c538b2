import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { readUserData, seedFiles } from "./cloud-init";
import {
  daemonPid,
  machineRunsSystemd,
  processKey,
  startDaemon,
  stopDaemon,
  type Daemon,
  type Unit,
} from "./daemon";
import {
  changeDeviceRules,
  deviceNumber,
  deviceSettings,
  makeDeviceRules,
  obeyDeviceRules,
  removeDeviceRules,
} from "./devices";
import { withLock } from "./lock";
import type { HostModel } from "./model";
import { mounts } from "./mounts";
import { ensureInterface, removeNamespace, vpcUnits } from "./network";
import { hostUnitName, instanceDir, namespace } from "./paths";
import { run } from "../../shared/process";
import { waitUntil } from "../../shared/wait";
import { ensureSysctl } from "./sysctl";
import { ensureLoopDevice, loopDevice, releaseLoopDevice } from "./volume";

/*
 * An instance is a systemd-nspawn container that boots the image copy-on-write:
 *
 *   instances/i-…/upper, work   what the host has written (overlayfs over the image)
 *   instances/i-…/image         a link to the image
 *   instances/i-…/root          where it is mounted
 *   instances/i-…/host.sh       the process that runs it until it is powered off: a service of the
 *                               machine's systemd, where its PID 1 is that
 *   instances/i-…/devices       its volumes, for the next boot
 *   instances/i-…/console.log   what the boot says
 */

export interface InstanceSpec {
  vpcId: string;
  host: HostModel;
  /** The image's root file system. */
  imageRoot: string;
  userData: Uint8Array;
  /** What it is called by before user data names it. */
  privateDnsName: string;
  /** In authorized_keys form, for the image's default user. */
  publicKey?: string;
  volumes: AttachedVolume[];
  /** Instances that stop before this one when the machine shuts down. */
  stopsAfter: string[];
  /** Instances that stop after this one when the machine shuts down. */
  stopsBefore: string[];
}

export interface AttachedVolume {
  volumeId: string;
  /** Its number among the host's NVMe devices, for as long as it is attached; the root volume is 0. */
  index: number;
}

const BOOT_TIMEOUT_MS = 60_000;
const POWER_OFF_TIMEOUT_MS = 90_000;

/** Whether the instance's disk is there: it is not if somebody removed the host by hand. */
export const instanceExists = (id: string) => existsSync(join(instanceDir(id), "upper"));

/** Whether the instance is powered on. */
export const instanceRuns = (id: string) => daemonPid(host(id)) !== undefined;

/** Whether the instance is powered on and on its network. */
export function instanceIsWhole(id: string): boolean {
  if (!instanceRuns(id)) return false;
  const pid = systemdPid(id);
  if (pid === undefined) return true; // on its way up or down
  try {
    return readFileSync(`/proc/${pid}/net/dev`, "utf8").includes("ens5:");
  } catch {
    return false;
  }
}

/** Whether a process of the instance listens on the TCP port, by the kernel's table of its network. */
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
    return false; // on its way up or down
  }
}

/** Makes the instance, if it is new, and powers it on, unless it runs. */
export function startInstance(spec: InstanceSpec): Promise<void> {
  const { id } = spec.host;
  return withLock(`instance ${id}`, async () => {
    await ensureInterface(spec.vpcId, spec.host);
    if (instanceRuns(id)) return;
    await powerOff(id); // what is left of an earlier start
    const dir = instanceDir(id);
    for (const name of ["upper", "work", "root"]) {
      mkdirSync(join(dir, name), { recursive: true, mode: 0o755 });
    }
    await ensureSysctl("fs.inotify.max_user_instances", 8192); // systemd needs some 15 a host
    await mountRoot(dir, spec.imageRoot);
    await writeInstanceData(dir, spec);
    const attached = await devices(spec.volumes);
    writeDevices(id, attached);
    makeDeviceRules(id, pathsOf(attached));
    writeFileSync(join(dir, "host.sh"), hostScript(id), { mode: 0o700 });
    await startDaemon({ ...host(id), unit: hostUnit(spec, pathsOf(attached)) });
    let started = false;
    const booted = () => {
      if (systemdPid(id) !== undefined) return true;
      const runs = instanceRuns(id);
      if (started && !runs)
        throw new Error(`instance ${id} ended while it booted; ${lastSeen(id)}`);
      started ||= runs;
      return false;
    };
    await waitUntil(
      booted,
      BOOT_TIMEOUT_MS,
      () => `instance ${id} not running after ${BOOT_TIMEOUT_MS / 1000}s; ${lastSeen(id)}`,
    );
  });
}

/**
 * Shuts the instance down in order and waits for that; its disk and its private address stay.
 *
 * @param force At once, as if its power failed.
 */
export function stopInstance(id: string, force = false): Promise<void> {
  return withLock(`instance ${id}`, async () => {
    const pid = systemdPid(id);
    if (force || pid === undefined) return powerOff(id);
    process.kill(pid, SIGRTMIN + 4); // systemd(1): starts poweroff.target
    await waitUntil(
      () => !instanceRuns(id),
      POWER_OFF_TIMEOUT_MS,
      () => `instance ${id} not stopped after ${POWER_OFF_TIMEOUT_MS / 1000}s; ${lastSeen(id)}`,
    );
    await forgetHost(id);
  });
}

/** Ends the instance without an orderly shutdown, and removes all of it but its volumes. */
export async function terminateInstance(id: string, volumeIds: string[]): Promise<void> {
  await unplugInstance(id, volumeIds);
  await withLock(`instance ${id}`, () => rmSync(instanceDir(id), { recursive: true, force: true }));
}

/** Takes the instance's power, and all that the kernel has of it. Its disks stay. */
export function unplugInstance(id: string, volumeIds: string[]): Promise<void> {
  return withLock(`instance ${id}`, async () => {
    const root = join(instanceDir(id), "root");
    await powerOff(id);
    await removeNamespace(id);
    if (isMounted(root)) await run(["umount", root]);
    for (const volumeId of volumeIds) await releaseLoopDevice(volumeId);
    removeCgroups(id);
    removeDeviceRules(id);
  });
}

/** What must stand still for the instance's disks to be copied. */
export interface FreezePoints {
  /** The directory of its control group. */
  group: string;
  /** Where the machine sees the file systems on its volumes, each once. */
  mounts: string[];
}

/**
 * What must stand still for the disks of an instance that is powered on to be copied.
 *
 * @returns undefined if it is not up yet, or not any more.
 */
export async function freezePoints(
  id: string,
  volumeIds: string[],
): Promise<FreezePoints | undefined> {
  const pid = systemdPid(id);
  const group = await controlGroup(id);
  if (pid === undefined || group === undefined) return undefined;
  const mounts = volumeIds.flatMap((volumeId) => {
    const device = loopDevice(volumeId);
    return device === undefined ? [] : mountPointsOf(pid, device).slice(0, 1);
  });
  return { group, mounts: mounts.map((path) => `/proc/${pid}/root${path}`) };
}

/** Shows the volumes to the instance, whether it runs or not. */
export function attachVolumes(id: string, volumes: AttachedVolume[]): Promise<void> {
  return withLock(`instance ${id}`, async () => {
    const attached = await devices(volumes);
    writeDevices(id, attached);
    const pid = systemdPid(id);
    if (pid === undefined) return;
    await changeDeviceRules(id, pathsOf(attached));
    for (const { volumeId, device, index } of attached) {
      const [nodePath, link] = [
        seenFromOutside(pid, node(index)),
        seenFromOutside(pid, byId(volumeId)),
      ];
      if (!existsSync(nodePath)) {
        const { major, minor } = deviceNumber(device);
        await run(["mknod", "--mode=660", nodePath, "b", `${major}`, `${minor}`]);
        chownSync(nodePath, 0, DISK_GROUP);
      }
      mkdirSync(dirname(link), { recursive: true, mode: 0o755 });
      if (!existsSync(link)) symlinkSync(`../../nvme${index}n1`, link);
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
    if (!instanceExists(id)) return true; // it was terminated meanwhile
    const [pid, device] = [systemdPid(id), loopDevice(volumeId)];
    const left = await devices(remaining);
    if (pid !== undefined && device !== undefined) {
      const mountPoints = mountPointsOf(pid, device);
      if (mountPoints.length && !force) return false;
      // What was there at boot is bound from outside; what came later is a node and a link.
      const names = [node(index), byId(volumeId)];
      const bound = mounts(pid).map(({ point }) => point);
      for (const path of [...mountPoints, ...names.filter((name) => bound.includes(name))]) {
        await unmountInHost(pid, path);
      }
      for (const name of names) rmSync(seenFromOutside(pid, name), { force: true });
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
function mountPointsOf(pid: number, device: string): string[] {
  const { major, minor } = deviceNumber(device);
  return mounts(pid)
    .filter((mount) => mount.device === `${major}:${minor}`)
    .map(({ point }) => point);
}

const SIGRTMIN = 34;

/** The end of what the host said, since its log goes with it when its creation fails. */
function lastSeen(id: string): string {
  const { logFile } = host(id);
  const lines = existsSync(logFile) ? readFileSync(logFile, "utf8").trim().split("\n") : [];
  return `last saw "${lines.slice(-3).join(" / ")}"; logs: ${logFile}`;
}

const host = (id: string): Daemon => {
  const mark = join(instanceDir(id), "host.sh");
  const logFile = join(instanceDir(id), "console.log");
  return { argv: ["sh", mark], mark, logFile, unit: { name: hostUnitName(id) } };
};

/** Longer than the services of a host need to stop; then the machine takes the host's power. */
const SHUTDOWN_SECONDS = 60;

/**
 * The unit of a host. systemd stops units in the reverse of their order: the host, the hosts that it
 * stops before, and last the VPC's DNS.
 */
function hostUnit(
  { vpcId, host, stopsAfter, stopsBefore }: InstanceSpec,
  devicePaths: readonly string[],
): Unit {
  return {
    name: hostUnitName(host.id),
    settings: [
      "Delegate=yes",
      ...deviceSettings(devicePaths),
      // SIGTERM is for host.sh alone, which powers the host off in order.
      "KillMode=mixed",
      `TimeoutStopSec=${SHUTDOWN_SECONDS}s`,
      ...vpcUnits(vpcId).map((name) => `After=${name}`),
      ...stopsBefore.map((id) => `After=${hostUnitName(id)}`),
      ...stopsAfter.map((id) => `Before=${hostUnitName(id)}`),
    ],
  };
}

/**
 * What systemd-nspawn leaves to root in a container, and a host has no need of. docs/security.md says
 * what the others are for.
 */
const NOT_FOR_HOSTS = [
  "CAP_DAC_READ_SEARCH", // opens any file of a file system by its number
  "CAP_IPC_OWNER",
  "CAP_LEASE",
  "CAP_LINUX_IMMUTABLE", // makes files that `destroy` could not remove
  "CAP_MKNOD",
  "CAP_NET_BROADCAST",
  "CAP_SYS_NICE", // takes the processor from everyone else on the machine
  "CAP_SYS_TTY_CONFIG",
];

/**
 * The process that runs the host. systemd-nspawn ends with status 133 when the host reboots; then it
 * is started again.
 *
 * In cgroup v2 a group whose controllers are handed down must hold no process itself. systemd-nspawn
 * makes groups for itself and for the host below its own, and hands down what its own has. So this
 * process has a group beside that one, and each boot a new one.
 */
function hostScript(id: string): string {
  const nspawn = [
    "systemd-nspawn --quiet --boot --register=no --keep-unit --console=pipe --link-journal=no",
    "--resolv-conf=off --timezone=off --capability=CAP_NET_ADMIN --kill-signal=SIGRTMIN+4",
    `--drop-capability=${NOT_FOR_HOSTS.join()}`,
    `--machine=${id} --directory="$PWD/root" --network-namespace-path=/run/netns/${namespace(id)}`,
    "$(cat devices)",
  ].join(" \\\n      ");
  const group = machineRunsSystemd()
    ? `${cgroupRoot()}$(sed -n 's/^0:://p' /proc/self/cgroup)`
    : ownGroup(id);
  return `# Runs the instance ${id} until it is powered off. SIGTERM powers it off in order.
cd ${shellWord(instanceDir(id))} || exit
group=${group}
mkdir -p $group/runner && echo $$ >$group/runner/cgroup.procs || exit
for controller in $(cat $group/cgroup.controllers); do
  echo "+$controller" >$group/cgroup.subtree_control
done
${obeyDeviceRules(id)}
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1

boot() {
${forgetScript(id)}
  if [ -d $group/host ]; then find $group/host -depth -type d -exec rmdir {} +; fi
  mkdir $group/host || exit
  sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' $group/host \
    ${nspawn} </dev/null &
  nspawn=$!
}
trap 'off=yes; kill $nspawn' TERM
status=133
while [ $status -eq 133 ] && [ -z "$off" ]; do
  boot
  status=0
  # A signal ends a wait, not what is waited for.
  while kill -0 $nspawn 2>/dev/null; do
    wait $nspawn
    status=$?
  done
done
${forgetScript(id)}
`;
}

/** The text as one word of a shell's command line. */
const shellWord = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * Removes what systemd-nspawn keeps of a host, and leaves behind when it is killed. Version 256 and
 * later refuse to boot a host whose directory for sockets is still mounted.
 */
function forgetScript(id: string): string {
  const dir = "/run/systemd/nspawn";
  return `while umount --lazy ${dir}/unix-export/${id} 2>/dev/null; do :; done
rm -rf ${dir}/unix-export/${id} ${dir}/propagate/${id} ${dir}/locks/name-${id} \
  "${dir}/locks/inode-$(stat --format=%d:%i root)"`;
}

/** As the host's own process does it, for a host whose process was killed. */
async function forgetHost(id: string): Promise<void> {
  const dir = instanceDir(id);
  if (existsSync(join(dir, "root"))) await run(["sh", "-ec", `cd "$0"\n${forgetScript(id)}`, dir]);
}

function cgroupRoot(): string {
  const hybrid = "/sys/fs/cgroup/unified";
  return existsSync(hybrid) ? hybrid : "/sys/fs/cgroup";
}

/** The control group that a host makes for itself where the machine runs no systemd. */
const ownGroup = (id: string) => join(cgroupRoot(), "kafkalab", id);

/** Where systemd-nspawn makes the same group once more, on a machine with cgroup v1 beside v2. */
const twinOf = (group: string) => group.replace("/cgroup/unified/", "/cgroup/systemd/");

function removeCgroups(id: string): void {
  const removeTree = (dir: string) => {
    if (!existsSync(dir)) return;
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      if (entry.isDirectory()) removeTree(join(dir, entry.name));
    }
    rmdirSync(dir);
  };
  for (const group of new Set([ownGroup(id), twinOf(ownGroup(id))])) {
    removeTree(group);
    const top = dirname(group);
    const isEmpty = () =>
      !readdirSync(top, { withFileTypes: true }).some((entry) => entry.isDirectory());
    if (existsSync(top) && isEmpty()) rmdirSync(top);
  }
}

/** Kills what runs the host, whatever state it is in. */
async function powerOff(id: string): Promise<void> {
  for (const pid of hostPids(id)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      continue; // ended meanwhile
    }
    await waitUntil(
      () => processKey(pid) === undefined,
      10_000,
      () => `process ${pid} of instance ${id} not ended after 10s`,
    );
  }
  await stopDaemon(host(id), "SIGKILL");
  await endRemains(id);
  await forgetHost(id);
}

/**
 * Ends what is left in the host's control group. If systemd-nspawn alone is killed, its host goes on,
 * and would have its disk and its volumes together with the next one.
 */
async function endRemains(id: string): Promise<void> {
  const group = await controlGroup(id);
  if (group === undefined) return;
  const ended = () => {
    const pids = processesIn(group);
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        continue; // ended meanwhile
      }
    }
    return pids.length === 0;
  };
  await waitUntil(
    ended,
    10_000,
    () => `processes of instance ${id} not ended after 10s; in ${group}`,
  );
}

/** The directory of the host's control group, if there is one. */
async function controlGroup(id: string): Promise<string | undefined> {
  if (!machineRunsSystemd()) return ownGroup(id);
  const unit = hostUnitName(id);
  const path = await run(["systemctl", "show", "--property=ControlGroup", "--value", unit]);
  return path.trim() ? join(cgroupRoot(), path.trim()) : undefined;
}

/** The processes of a control group and of those below it. */
function processesIn(group: string): number[] {
  if (!existsSync(group)) return [];
  const own = readFileSync(join(group, "cgroup.procs"), "utf8")
    .split("\n")
    .filter(Boolean)
    .map(Number);
  const below = readdirSync(group, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [...own, ...below.flatMap((entry) => processesIn(join(group, entry.name)))];
}

/** The supervising shell first, so that it does not start the host again; then the host's systemd. */
function hostPids(id: string): number[] {
  return [daemonPid(host(id)), systemdPid(id), nspawn(id)].filter((pid) => pid !== undefined);
}

const nspawn = (id: string) => daemonPid({ argv: ["systemd-nspawn"], mark: `--machine=${id}` });

/** The host's PID 1 as the machine numbers it, once it is systemd and `/dev` is set up. */
function systemdPid(id: string): number | undefined {
  const parent = nspawn(id);
  if (parent === undefined) return undefined;
  try {
    const children = readFileSync(`/proc/${parent}/task/${parent}/children`, "utf8");
    const pid = Number(children.trim().split(" ")[0]);
    const program = basename(readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[0]!);
    return program === "systemd" || program === "init" ? pid : undefined;
  } catch {
    return undefined;
  }
}

async function mountRoot(dir: string, imageRoot: string): Promise<void> {
  if (isMounted(join(dir, "root"))) return;
  rmSync(join(dir, "image"), { force: true });
  symlinkSync(imageRoot, join(dir, "image"));
  // By names without a directory: commas, colons and backslashes have a meaning in these options, and
  // all of them together must fit into a page. The source tells set-up which image is in use.
  await run([
    "env", `--chdir=${dir}`,
    "mount", "-t", "overlay", `kafkalab:${basename(dirname(imageRoot))}`,
    "-o", "lowerdir=image,upperdir=upper,workdir=work", "root",
  ]); // prettier-ignore
}

const isMounted = (path: string) => mounts().some(({ point }) => point === path);

/**
 * What cloud-init would learn from the metadata service. Written once; the link comes last. An image
 * whose own cloud-init is on has no use for it.
 */
async function writeInstanceData(dir: string, spec: InstanceSpec): Promise<void> {
  const inRoot = (path: string) => join(dir, "root", path);
  const link = inRoot("var/lib/cloud/instance");
  if (isThere(link) || !existsSync(inRoot("usr/lib/kafkalab/cloud-init"))) return;
  const { id } = spec.host;
  const { userData, publicKey, privateDnsName } = spec;
  const files = seedFiles(await readUserData(userData), {
    ...{ instanceId: id, localHostname: privateDnsName },
    ...(publicKey === undefined ? {} : { publicKey }),
  });
  files.push({
    path: `var/lib/cloud/instances/${id}/user-data.txt`,
    content: userData,
    mode: 0o600,
  });
  for (const { path, content, mode } of files) {
    mkdirSync(dirname(inRoot(path)), { recursive: true, mode: 0o755 });
    writeFileSync(inRoot(path), content, { mode });
  }
  symlinkSync(`/var/lib/cloud/instances/${id}`, link);
}

/** Whether there is such a file, be it a link that leads nowhere from here. */
function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

interface DeviceOfHost extends AttachedVolume {
  /** As the machine calls it. */
  device: string;
}

const pathsOf = (volumes: DeviceOfHost[]) => volumes.map(({ device }) => device);

async function devices(volumes: AttachedVolume[]): Promise<DeviceOfHost[]> {
  const found = [];
  for (const volume of volumes) {
    found.push({ ...volume, device: await ensureLoopDevice(volume.volumeId) });
  }
  return found;
}

/** Notes the volumes as systemd-nspawn takes them, for every boot. */
function writeDevices(id: string, attached: DeviceOfHost[]): void {
  const binds = attached.flatMap(({ volumeId, device, index }) => [
    `--bind=${device}:${node(index)}`,
    `--bind=${device}:${byId(volumeId)}`,
  ]);
  writeFileSync(join(instanceDir(id), "devices"), `${binds.join(" ")}\n`, { mode: 0o600 });
}

const node = (index: number) => `/dev/nvme${index}n1`;

/** The name that udev gives an EBS volume on a Nitro instance. */
const byId = (volumeId: string) =>
  `/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${volumeId.replace("-", "")}`;
