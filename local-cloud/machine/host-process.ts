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
 * The process that runs a host until it is powered off: a small shell script that starts systemd-nspawn.
 */

/** The process that runs a host. */
export const hostDaemon = (id: string): Daemon => {
  const mark = join(instanceDir(id), "host.sh");
  const logFile = join(instanceDir(id), "console.log");
  return { argv: ["sh", mark], mark, logFile, unit: { name: hostUnitName(id) } };
};

/** The end of the host's console log, for error messages: a failed creation removes the log. */
export function lastSeen(id: string): string {
  const { logFile } = hostDaemon(id);
  const lines = existsSync(logFile) ? readFileSync(logFile, "utf8").trim().split("\n") : [];
  return `"${lines.slice(-3).join(" / ")}"`;
}

/** Longer than the services of a host need to stop. After this time systemd kills the host. */
const SHUTDOWN_SECONDS = 60;

/**
 * The unit of a host. systemd stops units in the reverse of their start order: first this host, then the
 * hosts that stop after it, and last the VPC's DNS.
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
      // systemd sends SIGTERM only to host.sh, which shuts the host down cleanly.
      "KillMode=mixed",
      `TimeoutStopSec=${SHUTDOWN_SECONDS}s`,
      ...vpcUnits(vpcId).map((name) => `After=${name}`),
      ...stopsBefore.map((id) => `After=${hostUnitName(id)}`),
      ...stopsAfter.map((id) => `Before=${hostUnitName(id)}`),
    ],
  };
}

/**
 * Capabilities that systemd-nspawn grants by default and that a host does not need. docs/security.md
 * explains the remaining ones.
 */
const NOT_FOR_HOSTS = [
  "CAP_DAC_READ_SEARCH", // opens any file of a file system by its inode number
  "CAP_IPC_OWNER",
  "CAP_LEASE",
  "CAP_LINUX_IMMUTABLE", // could create files that `destroy` cannot remove
  "CAP_MKNOD",
  "CAP_NET_BROADCAST",
  "CAP_SYS_NICE", // could take CPU time from all other processes of the machine
  "CAP_SYS_TTY_CONFIG",
];

/**
 * The script that runs the host. systemd-nspawn exits with status 133 when the host reboots. The script
 * then starts it again.
 *
 * In cgroup v2 a group that delegates controllers must not contain processes. systemd-nspawn creates groups
 * for itself and for the host below its own group, and delegates the controllers to them. So the script
 * itself runs in a sibling group, and each boot gets a new group.
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
 * Removes the files that a killed systemd-nspawn leaves behind. Version 256 and later refuse to boot a host
 * whose socket directory is still mounted.
 */
function forgetScript(id: string): string {
  const dir = "/run/systemd/nspawn";
  return `while umount --lazy ${dir}/unix-export/${id} 2>/dev/null; do :; done
rm -rf ${dir}/unix-export/${id} ${dir}/propagate/${id} ${dir}/locks/name-${id} \
  "${dir}/locks/inode-$(stat --format=%d:%i root)"`;
}

/** Runs {@link forgetScript} for a host whose own process was killed. */
export async function forgetHost(id: string): Promise<void> {
  const dir = instanceDir(id);
  if (existsSync(join(dir, "root"))) {
    await run(["sh", "-ec", `cd "$0"\n${forgetScript(id)}`, dir]);
  }
}

/** The pids to kill: first the supervising shell, so that it does not restart the host, then systemd. */
export function hostPids(id: string): number[] {
  return [daemonPid(hostDaemon(id)), systemdPid(id), nspawnPid(id)].filter(
    (pid) => pid !== undefined,
  );
}

const nspawnPid = (id: string) => daemonPid({ argv: ["systemd-nspawn"], mark: `--machine=${id}` });

/** The pid of the host's systemd in the machine's namespace, once it runs and `/dev` is set up. */
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
