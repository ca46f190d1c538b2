import { existsSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { run } from "../../shared/process";
import { machineRunsSystemd } from "./daemon";
import { hostUnitName } from "./paths";

/** The mount point of cgroup v2. */
export function cgroupRoot(): string {
  const hybrid = "/sys/fs/cgroup/unified";
  return existsSync(hybrid) ? hybrid : "/sys/fs/cgroup";
}

/** The control group of a host on a machine without systemd. The host's process creates it. */
export const ownGroup = (id: string) => join(cgroupRoot(), "kafkalab", id);

/** On a machine with both cgroup v1 and v2, systemd-nspawn creates the same group here, too. */
const twinOf = (group: string) => group.replace("/cgroup/unified/", "/cgroup/systemd/");

/** Removes the empty control groups of a host. */
export function removeCgroups(id: string): void {
  const removeTree = (dir: string) => {
    if (!existsSync(dir)) {
      return;
    }
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      if (entry.isDirectory()) {
        removeTree(join(dir, entry.name));
      }
    }
    rmdirSync(dir);
  };
  for (const group of new Set([ownGroup(id), twinOf(ownGroup(id))])) {
    removeTree(group);
    const top = dirname(group);
    const isEmpty = () =>
      !readdirSync(top, { withFileTypes: true }).some((entry) => entry.isDirectory());
    if (existsSync(top) && isEmpty()) {
      rmdirSync(top);
    }
  }
}

/** The directory of the host's control group, if there is one. */
export async function controlGroup(id: string): Promise<string | undefined> {
  if (!machineRunsSystemd()) {
    return ownGroup(id);
  }
  const unit = hostUnitName(id);
  const path = await run(["systemctl", "show", "--property=ControlGroup", "--value", unit]);
  return path.trim() ? join(cgroupRoot(), path.trim()) : undefined;
}

/** The processes of a control group and of its descendants. */
export function processesIn(group: string): number[] {
  if (!existsSync(group)) {
    return [];
  }
  const own = readFileSync(join(group, "cgroup.procs"), "utf8")
    .split("\n")
    .filter(Boolean)
    .map(Number);
  const below = readdirSync(group, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [...own, ...below.flatMap((entry) => processesIn(join(group, entry.name)))];
}
