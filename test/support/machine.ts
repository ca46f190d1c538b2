import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { must, run, waitFor } from "./run";

/*
 * What a lab can leave on the machine, seen with the eyes of the machine: no file of the local cloud
 * says here what to look for, but its ids, which tell one lab's things from another's.
 */

/** The ids that a lab gave out; by them, and its state directory, its things are told apart. */
export interface Owner {
  stateDir: string;
  /** `vpc-…`, `i-…`, `vol-…`. */
  ids: readonly string[];
}

/** Everything on the machine that a lab may touch, one line each. */
export async function snapshot(): Promise<Set<string>> {
  const lines = await Promise.all([
    processes(),
    listing("mount", () => readFileSync("/proc/self/mounts", "utf8").split("\n")),
    command("link", ["ip", "-oneline", "link", "show"], (line) => line.replace(/^\d+: /, "")),
    command("address", ["ip", "-oneline", "-4", "address", "show"], (line) =>
      line.replace(/^\d+: /, "").replace(/ valid_lft .*/, ""),
    ),
    command("route", ["ip", "-4", "route", "show", "table", "all"]),
    command("rule", ["ip", "rule", "show"]),
    command("namespace", ["ip", "netns", "list"], (line) => line.replace(/ \(id: \d+\)$/, "")),
    command("firewall", ["nft", "list", "tables"]),
    command("loop device", ["losetup", "--noheadings", "--output", "NAME,BACK-FILE"]),
    command("file", ["find", "/run", "/dev/shm", "-xdev", "-not", "-path", "/run/netns/*"]),
    sysctls(),
    listing("control group", cgroups),
  ]);
  return new Set(lines.flat());
}

/**
 * What is in `after` and was not in `before`, or the other way round, and belongs to the lab or to
 * nobody. Things of other labs, which come and go meanwhile, name an id that is not the lab's.
 */
export function difference(before: Set<string>, after: Set<string>, owner: Owner): string[] {
  const changes = [
    ...[...after].filter((line) => !before.has(line)).map((line) => `left: ${line}`),
    ...[...before].filter((line) => !after.has(line)).map((line) => `lost: ${line}`),
  ];
  const alone = !otherLabs(owner);
  return changes
    .filter(
      (line) => mentions(line, owner) || !(belongsToOthers(line) || (!alone && SHARED.test(line))),
    )
    .sort();
}

/** Whether a line names the lab: one of its ids, in full or as far as a link's name goes. */
export function mentions(line: string, owner: Owner): boolean {
  return (
    line.includes(owner.stateDir) ||
    owner.ids.some((id) => line.includes(id) || line.includes(`kl-${id.slice(4, 16)}`))
  );
}

/** The processes that a lab runs, hosts' own ones included. */
export function labProcesses(owner: Owner): number[] {
  return pids().filter((pid) =>
    ["cgroup", "cmdline"].some((file) => mentions(read(`/proc/${pid}/${file}`), owner)),
  );
}

/** What listens on the machine itself: `tcp ADDRESS:PORT`, with the processes and their names. */
export async function listeners(): Promise<Map<string, { name: string; pid: number }[]>> {
  const text = await must(["ss", "-H", "-l", "-n", "-t", "-u", "-p"]);
  const found = new Map<string, { name: string; pid: number }[]>();
  for (const line of text.split("\n").filter(Boolean)) {
    const [protocol = "", , , , local = ""] = line.split(/\s+/);
    const owners = [...line.matchAll(/\("([^"]*)",pid=(\d+)/g)];
    found.set(
      `${protocol} ${local}`,
      owners.map(([, name = "", pid]) => ({ name, pid: Number(pid) })),
    );
  }
  return found;
}

/** Whether a process was started for the lab: it or a parent of it has its state directory. */
export function startedFor(pid: number, owner: Owner): boolean {
  return (
    mentions(read(`/proc/${pid}/cmdline`), owner) ||
    read(`/proc/${pid}/environ`).includes(owner.stateDir)
  );
}

/** Command lines of all processes. */
export function commandLines(): string[] {
  return pids().map((pid) => read(`/proc/${pid}/cmdline`).replaceAll("\0", " "));
}

/** Kernel settings that the lab noted as raised, with the values to put back. */
export type Sysctls = Record<string, string>;

/**
 * Does to a lab what a reboot of the machine does: every process of it ends at once, and links,
 * namespaces, mounts, loop devices and what is in `/run` are gone. Disks stay.
 */
export async function reboot(owner: Owner, sysctls: Sysctls): Promise<void> {
  await waitFor("the lab's processes", "ended", 30, () => {
    const left = labProcesses(owner);
    left.forEach(kill);
    return left.length === 0 ? left : left.map((pid) => `${pid} ${nameOf(pid)}`).join(", ");
  });
  for (const mount of mountPoints()
    .filter((path) => mentions(path, owner))
    .reverse()) {
    const { dev, ino } = statSync(mount);
    rmSync(`/run/systemd/nspawn/locks/inode-${dev}:${ino}`, { force: true });
    await run(["umount", mount]);
  }
  for (const id of owner.ids) {
    await removeRemains(id);
  }
  // Other labs on this machine live with the same setting.
  if (!otherLabs(owner)) {
    for (const [name, value] of Object.entries(sysctls)) {
      await must(["sysctl", "-q", "-w", `${name}=${value}`]);
    }
  }
}

/** Whether the machine runs another lab at the same time. */
export function otherLabs(owner: Owner): boolean {
  return (
    existsSync("/run/netns") &&
    readdirSync("/run/netns").some((name) => name.startsWith("kafkalab-") && !mentions(name, owner))
  );
}

async function removeRemains(id: string): Promise<void> {
  if (id.startsWith("vol-")) {
    const devices = await must(["losetup", "--noheadings", "--output", "NAME,BACK-FILE"]);
    for (const line of devices.split("\n").filter((text) => text.includes(id))) {
      await must(["losetup", "--detach", line.trim().split(/\s+/)[0] ?? ""]);
    }
  } else {
    // The link goes soon after the namespace, and its routes with it: they must be read before.
    const link = `kl-${id.slice(4, 16)}`;
    const { stdout: routes } = await run(["ip", "-4", "route", "show", "dev", link]);
    await run(["ip", "netns", "delete", `kafkalab-${id}`]);
    // The VPC's public block, and the block of each elastic address that has a route of its own.
    for (const [, three = ""] of routes.matchAll(/^(198\.\d+\.\d+)\.\d+(?:\/24)? /gm)) {
      await run(["ip", "route", "delete", "unreachable", `${three}.0/24`]);
    }
    await run(["ip", "link", "delete", link]);
    rmSync(join("/run/kafkalab", id), { recursive: true, force: true });
    rmSync(join("/run/systemd/nspawn/propagate", id), { recursive: true, force: true });
    for (const group of cgroups()
      .filter((path) => path.includes(id))
      .reverse()) {
      await run(["rmdir", group]);
    }
  }
}

/**
 * Ends Pulumi and its plugins, all that the process with this pid started, as `kill -9` does.
 *
 * @returns whether there was one to end
 */
export function killPulumi(pid: number): boolean {
  const family = [pid, ...descendants(pid)].filter(isPulumi);
  family.forEach(kill);
  return family.length > 0;
}

/**
 * Ends the operators that the process with this pid has started, and nothing else, as `kill -9` does.
 *
 * @returns whether there was one to end
 */
export function killOperators(pid: number): boolean {
  const operators = descendants(pid).filter((each) =>
    read(`/proc/${each}/cmdline`).includes("operator.cjs"),
  );
  operators.forEach(kill);
  return operators.length > 0;
}

// What Pulumi started, and not the hosts and daemons that the plugin did: those live on.
function isPulumi(pid: number): boolean {
  try {
    return /^(node|pulumi.*)$/.test(basename(readlinkSync(`/proc/${pid}/exe`)).split(" ")[0] ?? "");
  } catch {
    return false;
  }
}

// Each thread has children of its own: a Go program starts processes from any of its threads.
function descendants(pid: number): number[] {
  const children = threads(pid).flatMap((thread) =>
    read(`/proc/${pid}/task/${thread}/children`).trim().split(" ").filter(Boolean).map(Number),
  );
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function threads(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return []; // it has ended
  }
}

/** The processes of the machine, without those that have ended and wait for their parent to see it. */
function pids(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && !/\) [ZX] /.test(read(`/proc/${name}/stat`)))
    .map(Number);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // ended meanwhile
  }
}

const nameOf = (pid: number) => read(`/proc/${pid}/comm`).trim();

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // ended meanwhile
  }
}

function mountPoints(): string[] {
  return read("/proc/self/mounts")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "");
}

/** Those that a lab could have started: by program, since any id may be missing from a leftover. */
function processes(): Promise<string[]> {
  return Promise.resolve(
    pids()
      .map((pid) => {
        const words = read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
        const state = /(^|\0)KAFKALAB_STATE=([^\0]*)/.exec(read(`/proc/${pid}/environ`))?.[2];
        return state === undefined ? words : `${words} (state ${state})`;
      })
      .filter((line) => /systemd-nspawn|dnsmasq|slirp4netns|busybox|pulumi|host\.sh/.test(line))
      .map((line) => `process: ${line}`),
  );
}

async function command(
  kind: string,
  argv: string[],
  clean: (line: string) => string = (line) => line,
): Promise<string[]> {
  const { stdout } = await run(argv);
  return stdout
    .split("\n")
    .map((line) => clean(line).trim())
    .filter(Boolean)
    .map((line) => `${kind}: ${line}`);
}

function listing(kind: string, lines: () => string[]): Promise<string[]> {
  return Promise.resolve(
    lines()
      .filter(Boolean)
      .map((line) => `${kind}: ${line}`),
  );
}

async function sysctls(): Promise<string[]> {
  const lines = await command("sysctl", ["sysctl", "--all", "--pattern", "^(net|fs[.]inotify)[.]"]);
  // Each link brings settings of its own; those come and go with it.
  return lines.filter(
    (line) => !/[.](conf|neigh)[.](?!all|default)|nf_conntrack_|[.]random|fastopen_key/.test(line),
  );
}

function cgroups(): string[] {
  const below = (dir: string): string[] =>
    existsSync(dir)
      ? [
          dir,
          ...readdirSync(dir, { withFileTypes: true })
            .filter((entry) => entry.isDirectory())
            .flatMap((entry) => below(join(dir, entry.name))),
        ]
      : [];
  return ["", "unified", "systemd", "devices"].flatMap((top) =>
    below(join("/sys/fs/cgroup", top, "kafkalab")),
  );
}

/** Ids and link names of a lab, whichever; Pulumi and set-up at work for any. */
const NAMES =
  /\b(vpc|i|vol)-[0-9a-f]{17}\b|\bkl-[0-9a-f]{12}\b|^\w+: process: .*pulumi|\/[.]making-/;

/** What bears no name although it may be another lab's. */
const SHARED =
  /\/nspawn\/locks\/|^\w+: sysctl: fs\.inotify\.|\/run\/kafkalab(\/before\.json)?$|\/run\/(netns|systemd)\b|^\w+: route: unreachable 198\.1[89]\./;

function belongsToOthers(line: string): boolean {
  return NAMES.test(line);
}
