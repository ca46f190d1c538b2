import { createHash, randomInt } from "node:crypto";
import {
  existsSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { overlaps } from "./addresses";
import { publicCidr, SLOTS } from "./blocks";
import { borrow, giveBack } from "./borrowed";
import { daemonPid, killIfThere, startDaemon, stopDaemon, type Daemon } from "./daemon";
import { dnsFiles } from "./dns";
import { ruleset } from "./firewall";
import { removeGuard } from "./guard";
import * as links from "./links";
import { withLock } from "./lock";
import type { HostModel, VpcModel } from "./model";
import { labDir, namespace, vpcRunDir } from "./paths";
import { dnsmasqDaemon, inside, mirrorDaemon, slirpDaemon } from "./vpc-daemons";
import { run } from "../../shared/process";
import { waitFor } from "../../shared/wait";

/*
 * A VPC is a network namespace that routes. Each subnet is a bridge in it. The ports of a bridge are
 * isolated from each other, and the router answers ARP for all hosts (a private VLAN). So every packet
 * between two hosts passes the router and its firewall.
 *
 *   machine ── kl-… ─ uplink ── [VPC: nftables, dnsmasq, mirror] ── br-… ── ens5 [host]
 *                                 └─ tap0 ── slirp4netns ── the machine's own connections
 *
 * Links inside a VPC have an MTU of 9001 bytes, as on AWS. The link to the machine has 1500.
 *
 * On the machine itself there are one link and two routes for the public addresses: one route through the
 * link, and the unreachable guard (`guard.ts`). Each elastic address has its own route through the link. The internet gateway is slirp4netns, which needs no
 * forwarding and no firewall rule on the machine.
 */

/**
 * Changes the kernel's state and the daemons of a VPC until they match its model. Repeating it is cheap.
 *
 * @param read Reads the model after this function has the lock. Without a model this function does nothing.
 */
export function applyVpc(vpcId: string, read: () => VpcModel | undefined): Promise<void> {
  const queued = waiting.get(vpcId);
  if (queued) {
    return queued;
  } // it has not read the model yet, so it will see the caller's change
  const application = withLock(`network ${vpcId}`, () => {
    waiting.delete(vpcId);
    const model = read();
    return model && apply(model);
  });
  waiting.set(vpcId, application);
  return application;
}
const waiting = new Map<string, Promise<void>>();

async function apply(vpc: VpcModel): Promise<void> {
  await borrow(vpc.id);
  await ensureNamespace(vpc.id);
  const wanted = JSON.stringify([vpc.slot, vpc.cidr, vpc.subnets, vpc.elastic]);
  if (seen.get(vpc.id) !== wanted) {
    await ensureLinks(vpc);
    seen.set(vpc.id, wanted);
  }
  await ensureRules(vpc);
  await ensureDns(vpc);
  if (vpc.hasInternetGateway) {
    await ensureSlirp(vpc.id);
  } else {
    await stopDaemon(slirpDaemon(vpc.id));
  }
}

/**
 * The links that this process has already checked, to avoid another check. Meanwhile other processes may
 * remove unneeded links, but never wanted ones.
 */
const seen = new Map<string, string>();

/**
 * Whether the kernel's state and the daemons match the model. They do not match after a restart of the
 * machine, after a killed run, or after somebody's manual change.
 */
export async function vpcIsWhole(vpc: VpcModel): Promise<boolean> {
  if (await isWhole(vpc)) {
    return true;
  }
  seen.delete(vpc.id);
  return false;
}

async function isWhole(vpc: VpcModel): Promise<boolean> {
  if (!existsSync(`/run/netns/${namespace(vpc.id)}`)) {
    return false;
  }
  const daemons = [dnsmasqDaemon(vpc.id), mirrorDaemon(vpc.id)];
  if (vpc.hasInternetGateway) {
    daemons.push(slirpDaemon(vpc.id));
  }
  if (daemons.some((daemon) => daemonPid(daemon) === undefined)) {
    return false;
  }
  if (!isDone(rulesDone(vpc.id), digest(ruleset(vpc)))) {
    return false;
  }
  if (!isDone(dnsDone(vpc.id), dnsDigest(vpc))) {
    return false;
  }
  const [found, rules] = await Promise.all([links.look(vpc), hasRules(vpc)]);
  const files = Object.entries(dnsFiles(vpc, vpcRunDir(vpc.id)));
  const served = files.every(([name, text]) => hasText(join(vpcRunDir(vpc.id), name), text));
  // Without its note, each part is created again.
  if (!rules) {
    rmSync(rulesDone(vpc.id), { force: true });
  }
  if (!served) {
    rmSync(dnsDone(vpc.id), { force: true });
  }
  return rules && served && links.nothing(links.repairsOf(vpc, found, vpc.hasInternetGateway));
}

/** Whether the router has exactly the rules of the VPC. Other programs may have changed them. */
async function hasRules(vpc: VpcModel): Promise<boolean> {
  const list = "nft --stateless list ruleset";
  // Load the wanted rules into a temporary namespace and list them, to get them in nft's own format.
  const [wanted, found] = await Promise.all([
    run(["unshare", "--net", "sh", "-e", "-c", `nft -f - && ${list}`], ruleset(vpc)),
    run([...links.inRouter(vpc.id), ...list.split(" ")]),
  ]);
  return found === wanted;
}

/** Removes the network of a VPC, even if parts of it are missing. */
export function removeVpc({ id, slot }: Pick<VpcModel, "id" | "slot">): Promise<void> {
  return withLock(`network ${id}`, async () => {
    for (const daemon of [slirpDaemon(id), dnsmasqDaemon(id), mirrorDaemon(id)]) {
      await stopDaemon(daemon);
    }
    // Deleting the namespace also removes the link, but only after some time.
    await run(["ip", "link", "delete", links.outerLink(id)]).catch(() => undefined);
    await removeNamespace(id);
    await removeGuard(slot);
    await giveBack(id);
    seen.delete(id);
  });
}

/** Kills the processes in the namespace of a VPC or an instance, and removes the namespace and its links. */
export async function removeNamespace(id: string): Promise<void> {
  const name = namespace(id);
  if (!existsSync(`/run/netns/${name}`)) {
    return;
  }
  const pids = await run(["ip", "netns", "pids", name]).catch(() => "");
  for (const pid of pids.split("\n").filter(Boolean)) {
    killIfThere(Number(pid));
  }
  await run(["ip", "netns", "delete", name]);
}

/** A block that the machine routes, and the device of the route. */
export interface MachineRoute {
  cidr: string;
  device: string;
}

/** Returns a route of the machine that overlaps the block, if there is one. */
export const routeThatOverlaps = (cidr: string, routes: MachineRoute[]) =>
  routes.find(({ device, cidr: routed }) => device !== "lo" && overlaps(routed, cidr));

/** The machine's routes, without the default route. */
export async function machineRoutes(): Promise<MachineRoute[]> {
  const routes = JSON.parse(await run(["ip", "-json", "-4", "route", "show", "table", "all"])) as {
    dst: string;
    dev?: string;
    type?: string;
  }[];
  return routes
    .filter((r) => r.dst !== "default" && r.type !== "broadcast")
    .map((r) => ({
      cidr: r.dst.includes("/") ? r.dst : `${r.dst}/32`,
      device: r.dev ?? r.type ?? "?",
    }));
}

/**
 * Returns a random block of public addresses that neither a VPC nor the machine uses. It is random because
 * two local clouds that choose a block at the same time do not see each other's choice.
 */
export async function freeSlot(taken: ReadonlySet<number>): Promise<number> {
  const routes = await machineRoutes();
  const start = randomInt(SLOTS);
  for (let i = 0; i < SLOTS; i++) {
    const slot = (start + i) % SLOTS;
    const cidr = publicCidr(slot);
    if (!taken.has(slot) && !routes.some((r) => overlaps(r.cidr, cidr))) {
      return slot;
    }
  }
  throw new Error(`all ${SLOTS} blocks of public addresses in 198.18.0.0/15 are in use`);
}

/** The state of a port after `ip link add`. */
const newPort = (name: string) => ({ name, up: false, mtu: 1500, isolated: false });

/** Creates the network interface of an instance: a namespace with a link to its subnet. */
export async function ensureInterface(vpcId: string, host: HostModel): Promise<void> {
  const [router, own] = [namespace(vpcId), namespace(host.id)];
  const name = links.hostPort(host.id);
  if (!existsSync(`/run/netns/${own}`)) {
    await run(["ip", "netns", "add", own]);
    // The initial RAM disk of Debian's EC2 image does the same, so that an address is usable at once.
    const settings = ["all", "default"].map((which) => `net.ipv6.conf.${which}.accept_dad=0`);
    await run(["ip", "netns", "exec", own, "sysctl", "-e", "-q", "-w", ...settings]);
  }
  const port = await links.linkOf(vpcId, name);
  const lines = [
    // The host's end gets its MTU from DHCP.
    ...(port ? [] : [`link add ${name} type veth peer name ens5 address ${host.mac} netns ${own}`]),
    ...links.repairPort(port ?? newPort(name), links.bridge(host.subnetId)),
  ];
  if (lines.length) {
    await run(["ip", "-n", router, "-batch", "-"], `${lines.join("\n")}\n`);
  }
}

async function ensureNamespace(vpcId: string): Promise<void> {
  if (existsSync(`/run/netns/${namespace(vpcId)}`)) {
    return;
  }
  seen.delete(vpcId);
  rmSync(rulesDone(vpcId), { force: true });
  await run(["ip", "netns", "add", namespace(vpcId)]);
}

async function ensureLinks(vpc: VpcModel): Promise<void> {
  replaceLink(join(vpcRunDir(vpc.id), "archives"), realpathSync(join(labDir, "archives")));
  const runs = daemonPid(slirpDaemon(vpc.id)) !== undefined;
  const repairs = links.repairsOf(vpc, await links.look(vpc), runs);
  if (repairs.slirp) {
    await stopDaemon(slirpDaemon(vpc.id));
  }
  await links.mend(vpc, repairs);
}

/*
 * A note contains the digest of the state that the kernel or dnsmasq got last. All plugin processes share
 * the notes. A process removes the note before a change and writes it after the change. So a killed run
 * leaves no note, and the next run repeats the change.
 */
const rulesDone = (vpcId: string) => join(vpcRunDir(vpcId), "rules.done");
const dnsDone = (vpcId: string) => join(vpcRunDir(vpcId), "dns.done");
const digest = (text: string) => createHash("sha256").update(text).digest("hex");
const isDone = (note: string, what: string) => hasText(note, what);

async function ensureRules(vpc: VpcModel): Promise<void> {
  const rules = ruleset(vpc);
  const note = rulesDone(vpc.id);
  if (isDone(note, digest(rules))) {
    return;
  }
  rmSync(note, { force: true });
  // The router has no other rules.
  await run([...inside(vpc.id), "nft", "-f", "-"], `flush ruleset\n${rules}`);
  writeFileSync(note, digest(rules));
}

async function ensureSlirp(vpcId: string): Promise<void> {
  const daemon = slirpDaemon(vpcId);
  if (daemonPid(daemon) !== undefined) {
    return;
  }
  await startDaemon(daemon);
  // Wait for its device: otherwise the next check of the links would report it as broken.
  await waitFor(start("slirp4netns", daemon), async () => {
    const device = await links.linkOf(vpcId, links.TAP);
    return device?.up === true ? { done: true } : { seen: `${links.TAP} not up` };
  });
}

const start = (what: string, { logFile: logs }: Daemon) => ({
  ...{ what, state: "ready", seconds: 5, logs, intervalMs: 10 },
});

const dnsDigest = (vpc: VpcModel) => digest(JSON.stringify(dnsFiles(vpc, vpcRunDir(vpc.id))));

async function ensureDns(vpc: VpcModel): Promise<void> {
  const dir = vpcRunDir(vpc.id);
  const daemon = dnsmasqDaemon(vpc.id);
  await startDaemon(mirrorDaemon(vpc.id));
  const pid = daemonPid(daemon);
  const note = dnsDone(vpc.id);
  if (pid !== undefined && isDone(note, dnsDigest(vpc))) {
    return;
  }
  const cutOff = !existsSync(note);
  rmSync(note, { force: true });
  const changed = Object.entries(dnsFiles(vpc, dir))
    .filter(([name, text]) => replaceFile(join(dir, name), text))
    .map(([name]) => name);
  if (pid === undefined || cutOff || changed.includes("dnsmasq.conf")) {
    await stopDaemon(daemon);
    await startDaemon(daemon);
    // A SIGHUP would kill dnsmasq before it has installed its handler.
    await waitFor(start("dnsmasq", daemon), () =>
      handlesHangup(daemonPid(daemon)) ? { done: true } : { seen: "no handler of SIGHUP" },
    );
  } else {
    process.kill(pid, "SIGHUP");
  }
  writeFileSync(note, dnsDigest(vpc));
}

function handlesHangup(pid: number | undefined): boolean {
  if (pid === undefined) {
    return false;
  }
  try {
    const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return caught !== null && (BigInt(`0x${caught[1]}`) & 1n) === 1n;
  } catch {
    return false;
  }
}

const hasText = (path: string, text: string) =>
  existsSync(path) && readFileSync(path, "utf8") === text;

/** Writes the file if its content differs. Returns whether it did. */
function replaceFile(path: string, text: string): boolean {
  if (hasText(path, text)) {
    return false;
  }
  writeFileSync(`${path}.new`, text, { mode: 0o644 });
  renameSync(`${path}.new`, path);
  return true;
}

function replaceLink(path: string, target: string): void {
  rmSync(`${path}.new`, { force: true });
  symlinkSync(target, `${path}.new`);
  renameSync(`${path}.new`, path);
}
