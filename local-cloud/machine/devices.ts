import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { machineRunsSystemd } from "./daemon";
import { hostUnitName } from "./paths";
import { run } from "../../shared/process";

/*
 * A host may open the standard devices of containers and its own volumes. Root on a host can mount a
 * devtmpfs with nodes of all devices, so the control group must deny the others.
 *
 * If the machine runs systemd, the host's unit contains the rules. Otherwise the devices controller of
 * cgroup v1 enforces them. There are no rules with cgroup v2 and without systemd: cgroup v2 accepts rules
 * only as a BPF program, and no program on such a machine loads one (see docs/security.md).
 */

export interface DeviceNumber {
  major: number;
  minor: number;
}

export function deviceNumber(path: string): DeviceNumber {
  const { rdev } = statSync(path);
  return { major: (rdev >> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >> 12) & 0xfff00) };
}

/** Settings of the host's unit. The policy `closed` allows the devices of `STANDARD`. */
export const deviceSettings = (volumes: readonly string[]) => [
  "DevicePolicy=closed",
  ...volumes.map((device) => `DeviceAllow=${device} rw`),
];

/** Creates the rules of a host that does not run. */
export function makeDeviceRules(id: string, volumes: readonly string[]): void {
  if (machineRunsSystemd() || !existsSync(CONTROLLER)) {
    return;
  } // otherwise the unit contains the rules
  removeDeviceRules(id);
  mkdirSync(ruleGroup(id), { recursive: true });
  writeFileSync(join(ruleGroup(id), "devices.deny"), "a");
  for (const rule of [...STANDARD, ...volumes.map(ruleOf)]) {
    writeFileSync(join(ruleGroup(id), "devices.allow"), rule);
  }
  mkdirSync(hostGroup(id));
}

/** The shell command that applies the rules to the shell and to all of its child processes. */
export const obeyDeviceRules = (id: string) =>
  machineRunsSystemd() || !existsSync(CONTROLLER)
    ? ""
    : `echo $$ > ${join(hostGroup(id), "cgroup.procs")} || exit`;

/** Allows a running host to open these volumes and no others. */
export async function changeDeviceRules(id: string, volumes: readonly string[]): Promise<void> {
  if (machineRunsSystemd()) {
    // An empty assignment removes the former entries.
    const properties = ["DeviceAllow=", ...deviceSettings(volumes).slice(1)];
    await run(["systemctl", "set-property", "--runtime", hostUnitName(id), ...properties]);
    return;
  }
  if (!existsSync(ruleGroup(id))) {
    return;
  }
  const wanted = volumes.map(ruleOf);
  const inForce = readFileSync(join(ruleGroup(id), "devices.list"), "utf8").split("\n");
  for (const rule of inForce.filter((each) => each.startsWith("b ") && !wanted.includes(each))) {
    writeFileSync(join(ruleGroup(id), "devices.deny"), rule); // it applies to the inner group, too
  }
  for (const rule of wanted) {
    for (const group of [ruleGroup(id), hostGroup(id)]) {
      writeFileSync(join(group, "devices.allow"), rule);
    }
  }
}

/** Removes the rules of a host that does not run. */
export function removeDeviceRules(id: string): void {
  for (const group of [hostGroup(id), ruleGroup(id)]) {
    if (existsSync(group)) {
      rmdirSync(group);
    }
  }
  const top = dirname(ruleGroup(id));
  if (existsSync(top) && !readdirSync(top, { withFileTypes: true }).some((e) => e.isDirectory())) {
    rmdirSync(top);
  }
}

const CONTROLLER = "/sys/fs/cgroup/devices/devices.allow";

/** The outer of two groups. The host sees the inner one as its root, so it cannot change these rules. */
const ruleGroup = (id: string) => join(dirname(CONTROLLER), "kafkalab", id);
const hostGroup = (id: string) => join(ruleGroup(id), "host");

function ruleOf(device: string): string {
  const { major, minor } = deviceNumber(device);
  return `b ${major}:${minor} rw`;
}

/** null, zero, full, random, urandom, tty, ptmx and pseudo terminals. */
const STANDARD = ["1:3", "1:5", "1:7", "1:8", "1:9", "5:0", "5:2", "136:*"].map(
  (number) => `c ${number} rwm`,
);
