import { createHash, randomInt } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { addressAt, overlaps, parseCidr } from "./addresses";
import { noteBefore, restoreBefore } from "./borrowed";
import { daemonPid, startDaemon, stopDaemon, type Daemon } from "./daemon";
import { dnsFiles, LINK_LOCAL_RESOLVER, MIRROR } from "./dns";
import { ruleset } from "./firewall";
import { withLock } from "./lock";
import { vpcModel, type HostModel, type VpcModel } from "./model";
import { hostPort, labDir, namespace, vpcRunDir } from "./paths";
import { run, waitUntil } from "./run";
import { readState } from "./store";

/*
 * A VPC is a network namespace that routes. Each subnet is a bridge in it whose ports are isolated
 * from each other; the router answers ARP for all of them (a private VLAN), so that every packet
 * between two hosts is routed, and the firewall sees it.
 *
 *   machine ── kl-… ─ uplink ── [VPC: nftables, dnsmasq, mirror] ── br-… ── ens5 [host]
 *                                 └─ tap0 ── slirp4netns ── the machine's own connections
 *
 * Nothing is set on the machine itself but one link and one route for the public addresses. The
 * internet gateway is slirp4netns, which needs no forwarding and no firewall rule there.
 */

/** How many blocks of public addresses there are, in RFC 2544's block for benchmarks, unused on real networks. */
export const SLOTS = 510; // of 512 blocks /24; the last two are the next ones
/** Where elastic addresses are from. Nothing routes them, as NAT gateways let nobody in. */
export const ELASTIC_CIDR = "198.19.254.0/24";
const SLIRP_CIDR = "198.19.255.0/24";

/** `198.18.0.0/24`, `198.18.1.0/24`, … by slot. */
export const publicCidr = (slot: number) => `198.${18 + (slot >> 8)}.${slot & 255}.0/24`;

/** Brings the kernel and the daemons of a VPC to what its records say. Repeating it is cheap. */
export function applyVpc(vpcId: string): Promise<void> {
  const queued = waiting.get(vpcId);
  if (queued) return queued; // it has not read the records yet, so it will see the caller's
  const application = withLock(`network ${vpcId}`, () => {
    waiting.delete(vpcId);
    const model = vpcModel(readState(), vpcId);
    return model && apply(model);
  });
  waiting.set(vpcId, application);
  return application;
}
const waiting = new Map<string, Promise<void>>();

async function apply(vpc: VpcModel): Promise<void> {
  await ensureNamespace(vpc.id);
  await once(`${vpc.id} router`, publicCidr(vpc.slot), () => ensureRouter(vpc));
  await once(`${vpc.id} links`, JSON.stringify(vpc.subnets), () => ensureLinks(vpc));
  await ensureRules(vpc);
  await ensureDns(vpc);
  if (vpc.hasInternetGateway) await startDaemon(slirp(vpc.id));
  else await stopDaemon(slirp(vpc.id));
}

/**
 * The links that this process has found whole, to spare it another look. Others may remove what is
 * superfluous by then, but nothing that is wanted.
 */
const seen = new Map<string, string>();

async function once(key: string, wanted: string, action: () => Promise<void>): Promise<void> {
  if (seen.get(key) === wanted) return;
  await action();
  seen.set(key, wanted);
}

function lookAgain(vpcId: string): void {
  for (const key of seen.keys()) if (key.startsWith(vpcId)) seen.delete(key);
}

/**
 * Whether the kernel and the daemons have what the records say. They do not after the machine's
 * reboot, or if a run was killed between a change of the records and the work for it.
 */
export async function vpcIsWhole(vpcId: string): Promise<boolean> {
  const model = vpcModel(readState(), vpcId);
  if (model && (await isWhole(model))) return true;
  lookAgain(vpcId);
  return false;
}

async function isWhole(vpc: VpcModel): Promise<boolean> {
  if (!existsSync(`/run/netns/${namespace(vpc.id)}`)) return false;
  const daemons = [dnsmasq(vpc.id), mirror(vpc.id)];
  if (vpc.hasInternetGateway) daemons.push(slirp(vpc.id));
  if (daemons.some((daemon) => daemonPid(daemon) === undefined)) return false;
  if (!isDone(rulesDone(vpc.id), digest(ruleset(vpc)))) return false;
  if (!isDone(dnsDone(vpc.id), dnsDigest(vpc))) return false;
  try {
    await run([...inside(vpc.id), "nft", "list", "chain", "inet", "kafkalab", "forward"]);
  } catch {
    rmSync(rulesDone(vpc.id), { force: true }); // so that they are made again
    return false;
  }
  const links = await linksUp(namespace(vpc.id));
  return [UPLINK, ...vpc.subnets.map((s) => bridge(s.id))].every((name) => links.has(name));
}

/** Removes the network of a VPC, whatever is left of it. */
export function removeVpc(vpcId: string): Promise<void> {
  return withLock(`network ${vpcId}`, async () => {
    for (const daemon of [slirp(vpcId), dnsmasq(vpcId), mirror(vpcId)]) await stopDaemon(daemon);
    // The namespace's end takes the link away too, but some time later.
    await run(["ip", "link", "delete", outerLink(vpcId)]).catch(() => undefined);
    await removeNamespace(vpcId);
    rmSync(vpcRunDir(vpcId), { recursive: true, force: true });
    await restoreBefore();
    lookAgain(vpcId);
  });
}

/** Ends what still runs in the namespace of a VPC or an instance, and removes it with its links. */
export async function removeNamespace(id: string): Promise<void> {
  const name = namespace(id);
  if (!existsSync(`/run/netns/${name}`)) return;
  const pids = await run(["ip", "netns", "pids", name]).catch(() => "");
  for (const pid of pids.split("\n").filter(Boolean)) killQuietly(Number(pid));
  await run(["ip", "netns", "delete", name]);
}

/** The CIDRs that the machine routes, the default route left out. */
export async function machineRoutes(): Promise<{ cidr: string; device: string }[]> {
  const routes = JSON.parse(await run(["ip", "-json", "-4", "route", "show", "table", "all"])) as {
    dst: string;
    dev?: string;
    type?: string;
  }[];
  return routes
    .filter((r) => r.dst !== "default" && r.type !== "broadcast")
    .map((r) => ({ cidr: r.dst.includes("/") ? r.dst : `${r.dst}/32`, device: r.dev ?? "?" }));
}

/**
 * A block of public addresses that neither a VPC nor the machine has. Any of them, not the first: two
 * accounts that ask at the same time do not see one another's.
 */
export async function freeSlot(taken: ReadonlySet<number>): Promise<number> {
  const routes = await machineRoutes();
  const start = randomInt(SLOTS);
  for (let i = 0; i < SLOTS; i++) {
    const slot = (start + i) % SLOTS;
    const cidr = publicCidr(slot);
    if (!taken.has(slot) && !routes.some((r) => overlaps(r.cidr, cidr))) return slot;
  }
  throw new Error(`all ${SLOTS} blocks of public addresses in 198.18.0.0/15 are in use`);
}

/**
 * The network interface of an instance: a namespace, linked to its subnet. As the links of the router,
 * this one is set up as its last step, so one that is not up was left half made.
 */
export async function ensureInterface(vpcId: string, host: HostModel): Promise<void> {
  const [router, own, port] = [namespace(vpcId), namespace(host.id), hostPort(host.id)];
  if (!existsSync(`/run/netns/${own}`)) await run(["ip", "netns", "add", own]);
  if ((await linksUp(router)).has(port)) return;
  await run(["ip", "-n", router, "link", "delete", port]).catch(() => undefined);
  await run(
    ["ip", "-n", router, "-batch", "-"],
    [
      `link add ${port} type veth peer name ens5 address ${host.mac} netns ${own}`,
      `link set ${port} master ${bridge(host.subnetId)}`,
      // Before it is up: a port that is not isolated would go round the firewall.
      `link set ${port} type bridge_slave isolated on`,
      `link set ${port} up`,
      "",
    ].join("\n"),
  );
}

async function ensureNamespace(vpcId: string): Promise<void> {
  await noteBefore();
  mkdirSync(vpcRunDir(vpcId), { recursive: true, mode: 0o755 });
  if (existsSync(`/run/netns/${namespace(vpcId)}`)) return;
  lookAgain(vpcId);
  rmSync(rulesDone(vpcId), { force: true });
  await run(["ip", "netns", "add", namespace(vpcId)]);
}

/** The link to the machine. It is up, as the last step, only when all of it is done. */
async function ensureRouter(vpc: VpcModel): Promise<void> {
  const [ns, outer] = [namespace(vpc.id), outerLink(vpc.id)];
  replaceLink(join(vpcRunDir(vpc.id), "archives"), realpathSync(join(labDir, "archives")));
  if ((await linksUp(ns)).has(UPLINK)) return;
  const block = publicCidr(vpc.slot);
  const [machine, router] = [addressAt(block, 1), addressAt(block, 2)];
  await run([
    "ip", "netns", "exec", ns, "sysctl", "-q", "-w",
    "net.ipv4.ip_forward=1",
    "net.ipv4.conf.all.send_redirects=0",
    "net.ipv4.conf.default.send_redirects=0",
    "net.ipv6.conf.all.disable_ipv6=1",
    "net.ipv6.conf.default.disable_ipv6=1",
  ]); // prettier-ignore
  await run(["ip", "link", "delete", outer]).catch(() => undefined); // what a killed run left
  await run(["ip", "link", "add", outer, "type", "veth", "peer", "name", UPLINK, "netns", ns]);
  await run(
    ["ip", "-batch", "-"],
    [
      `address add ${machine}/30 dev ${outer}`,
      `link set ${outer} up`,
      `route replace ${block} via ${router} dev ${outer}`,
      "",
    ].join("\n"),
  );
  await run(
    ["ip", "-n", ns, "-batch", "-"],
    [
      "link set lo up",
      `address replace ${LINK_LOCAL_RESOLVER}/32 dev lo`,
      `address replace ${MIRROR.address}/32 dev lo`,
      `address replace ${addressAt(vpc.cidr, 2)}/32 dev lo`,
      `address replace ${router}/30 dev ${UPLINK}`,
      `link set ${UPLINK} up`,
      "",
    ].join("\n"),
  );
}

/** The bridge of each subnet. It is up, as the last step, only when all of it is done. */
async function ensureLinks(vpc: VpcModel): Promise<void> {
  const ns = namespace(vpc.id);
  const up = await linksUp(ns);
  const wanted = new Map(vpc.subnets.map((s) => [bridge(s.id), s.cidr]));
  for (const name of up) {
    if (name.startsWith("br-") && !wanted.has(name)) {
      await run(["ip", "-n", ns, "link", "delete", name]);
    }
  }
  for (const [name, cidr] of wanted) {
    if (up.has(name)) continue;
    await run(["ip", "-n", ns, "link", "delete", name]).catch(() => undefined); // what a killed run left
    const address = `${addressAt(cidr, 1)}/${parseCidr(cidr).prefix}`;
    await run(
      ["ip", "-n", ns, "-batch", "-"],
      `link add ${name} type bridge\naddress add ${address} dev ${name}\n`,
    );
    await run([
      "ip", "netns", "exec", ns, "sysctl", "-q", "-w",
      `net.ipv4.conf.${name}.proxy_arp_pvlan=1`,
      `net.ipv4.conf.${name}.send_redirects=0`,
      `net.ipv4.neigh.${name}.proxy_delay=0`,
    ]); // prettier-ignore
    await run(["ip", "-n", ns, "link", "set", name, "up"]);
  }
}

/*
 * What was last handed to the kernel and to dnsmasq is noted beside it, by a digest, for all plugin
 * processes. The note goes before a change and comes back after it: a run that is killed in between
 * leaves none, and the next one does the work again.
 */
const rulesDone = (vpcId: string) => join(vpcRunDir(vpcId), "rules.done");
const dnsDone = (vpcId: string) => join(vpcRunDir(vpcId), "dns.done");
const digest = (text: string) => createHash("sha256").update(text).digest("hex");
const isDone = (note: string, what: string) =>
  existsSync(note) && readFileSync(note, "utf8") === what;

async function ensureRules(vpc: VpcModel): Promise<void> {
  const rules = ruleset(vpc);
  const note = rulesDone(vpc.id);
  if (isDone(note, digest(rules))) return;
  rmSync(note, { force: true });
  await run([...inside(vpc.id), "nft", "-f", "-"], rules);
  writeFileSync(note, digest(rules));
}

const dnsDigest = (vpc: VpcModel) => digest(JSON.stringify(dnsFiles(vpc, vpcRunDir(vpc.id))));

async function ensureDns(vpc: VpcModel): Promise<void> {
  const dir = vpcRunDir(vpc.id);
  const daemon = dnsmasq(vpc.id);
  await startDaemon(mirror(vpc.id));
  const pid = daemonPid(daemon);
  const note = dnsDone(vpc.id);
  if (pid !== undefined && isDone(note, dnsDigest(vpc))) return;
  const cutOff = !existsSync(note);
  rmSync(note, { force: true });
  const changed = Object.entries(dnsFiles(vpc, dir))
    .filter(([name, text]) => replaceFile(join(dir, name), text))
    .map(([name]) => name);
  if (pid === undefined || cutOff || changed.includes("dnsmasq.conf")) {
    await stopDaemon(daemon);
    await startDaemon(daemon);
    // Before it has a handler, the next SIGHUP would end it.
    await waitUntil(
      () => handlesHangup(daemonPid(daemon)),
      5_000,
      () => `dnsmasq not ready after 5s; logs: ${daemon.logFile}`,
    );
  } else {
    process.kill(pid, "SIGHUP");
  }
  writeFileSync(note, dnsDigest(vpc));
}

function handlesHangup(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return caught !== null && (BigInt(`0x${caught[1]}`) & 1n) === 1n;
  } catch {
    return false;
  }
}

/** Writes the file unless it says this already; whether it did. */
function replaceFile(path: string, text: string): boolean {
  if (existsSync(path) && readFileSync(path, "utf8") === text) return false;
  writeFileSync(`${path}.new`, text, { mode: 0o644 });
  renameSync(`${path}.new`, path);
  return true;
}

function replaceLink(path: string, target: string): void {
  rmSync(`${path}.new`, { force: true });
  symlinkSync(target, `${path}.new`);
  renameSync(`${path}.new`, path);
}

/** The names of the links that are set up, which is the last step of making one. */
async function linksUp(ns: string): Promise<Set<string>> {
  const text = await run(["ip", "-n", ns, "-json", "link", "show", "up"]);
  return new Set((JSON.parse(text) as { ifname?: string }[]).flatMap((l) => l.ifname ?? []));
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // ended meanwhile
  }
}

const UPLINK = "uplink";
/** The machine's end of the link to a VPC. */
export const outerLink = (vpcId: string) => `kl-${vpcId.slice(4, 16)}`;
const bridge = (subnetId: string) => `br-${subnetId.slice(7, 19)}`;

export const inside = (vpcId: string) => ["ip", "netns", "exec", namespace(vpcId)];

const unitOf = (vpcId: string, role: string) => ({ name: `kafkalab-${vpcId}-${role}.service` });

/** The units of a VPC's daemons, which its hosts need until they are off. */
export const vpcUnits = (vpcId: string): string[] =>
  ["dns", "mirror", "internet-gateway"].map((role) => unitOf(vpcId, role).name);

function dnsmasq(vpcId: string): Daemon {
  const mark = `--conf-file=${vpcRunDir(vpcId)}/dnsmasq.conf`;
  return {
    argv: ["dnsmasq", "--keep-in-foreground", `--user=${dnsmasqUser()}`, "--pid-file=", mark],
    mark,
    logFile: join(vpcRunDir(vpcId), "dnsmasq.log"),
    enter: inside(vpcId),
    unit: unitOf(vpcId, "dns"),
  };
}

/** The user that distributions make for dnsmasq, or dnsmasq's own choice. */
const dnsmasqUser = () =>
  /^dnsmasq:/m.test(readFileSync("/etc/passwd", "utf8")) ? "dnsmasq" : "nobody";

/** The mirror of archives: it may read the cache, wherever that is, and change nothing. */
function mirror(vpcId: string): Daemon {
  const mark = join(vpcRunDir(vpcId), "archives");
  const rights = "+net_bind_service,+dac_read_search";
  return {
    argv: ["busybox", "httpd", "-f", "-p", `${MIRROR.address}:80`, "-h", mark],
    mark,
    logFile: join(vpcRunDir(vpcId), "mirror.log"),
    enter: [
      ...inside(vpcId),
      "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs",
      `--inh-caps=-all,${rights}`, `--ambient-caps=-all,${rights}`, `--bounding-set=-all,${rights}`,
    ],
    unit: unitOf(vpcId, "mirror"),
  }; // prettier-ignore
}

export function slirp(vpcId: string): Daemon {
  const mark = `/run/netns/${namespace(vpcId)}`;
  return {
    argv: [
      "slirp4netns", "--netns-type=path", "--configure", "--mtu=65520", "--disable-host-loopback",
      "--enable-sandbox", "--enable-seccomp", `--cidr=${SLIRP_CIDR}`, mark, "tap0",
    ], // prettier-ignore
    mark,
    logFile: join(vpcRunDir(vpcId), "internet-gateway.log"),
    // Its sandbox unmounts all that it does not need. Without mounts of its own it would take every
    // namespace in /run/netns from the machine.
    enter: ["unshare", "--mount", "--propagation", "slave"],
    unit: unitOf(vpcId, "internet-gateway"),
  };
}
