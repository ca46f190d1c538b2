import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { run } from "../../shared/process";
import { shellQuote } from "../../shared/quote";
import { cgroupRoot, ownGroup } from "./control-groups";
import { daemonPid, machineRunsSystemd, type Daemon, type Unit } from "./daemon";
import { deviceSettings, obeyDeviceRules } from "./devices";
import type { InstanceSpec } from "./model";
import { vpcUnits } from "./vpc-daemons";
import { hostUnitName, instanceDir, namespace } from "./paths";

/*
 * The process that runs a host until the host is powered off: systemd-nspawn under a small shell script.
 */

/** The process that runs a host. */
export const hostDaemon = (id: string): Daemon => {
  const mark = join(instanceDir(id), "host.sh");
  const logFile = join(instanceDir(id), "console.log");
  return { argv: ["sh", mark], mark, logFile, unit: { name: hostUnitName(id) } };
};

/** The end of the host's console log: a host whose creation fails takes its log with it. */
export function lastSeen(id: string): string {
  const { logFile } = hostDaemon(id);
  const lines = existsSync(logFile) ? readFileSync(logFile, "utf8").trim().split("\n") : [];
  return `"${lines.slice(-3).join(" / ")}"`;
}

/** Longer than the services of a host need to stop; then the machine takes the host's power. */
const SHUTDOWN_SECONDS = 60;

/**
 * The unit of a host. systemd stops units in the reverse of their order: the host, the hosts that it
 * stops before, and last the VPC's DNS.
 */
export function hostUnit(
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
export function hostScript(id: string): string {
  const command = [
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
cd ${shellQuote(instanceDir(id))} || exit
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
    ${command} </dev/null &
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
export async function forgetHost(id: string): Promise<void> {
  const dir = instanceDir(id);
  if (existsSync(join(dir, "root"))) {
    await run(["sh", "-ec", `cd "$0"\n${forgetScript(id)}`, dir]);
  }
}

/** The supervising shell first, so that it does not start the host again; then the host's systemd. */
export function hostPids(id: string): number[] {
  return [daemonPid(hostDaemon(id)), systemdPid(id), nspawnPid(id)].filter(
    (pid) => pid !== undefined,
  );
}

const nspawnPid = (id: string) => daemonPid({ argv: ["systemd-nspawn"], mark: `--machine=${id}` });

/** The host's PID 1 as the machine numbers it, once it is systemd and `/dev` is set up. */
export function systemdPid(id: string): number | undefined {
  const parent = nspawnPid(id);
  if (parent === undefined) {
    return undefined;
  }
  try {
    const children = readFileSync(`/proc/${parent}/task/${parent}/children`, "utf8");
    const pid = Number(children.trim().split(" ")[0]);
    const program = basename(readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[0] ?? "");
    return program === "systemd" || program === "init" ? pid : undefined;
  } catch {
    return undefined;
  }
}
