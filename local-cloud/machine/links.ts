import { addressAt, macAddress, parseCidr } from "./addresses";
import { endsOf, publicCidr, SLIRP_CIDR } from "./blocks";
import { LINK_LOCAL_RESOLVER, MIRROR, VPC_MTU } from "./dns";
import { GUARD_METRIC, guardRoute } from "./guard";
import type { VpcModel } from "./model";
import { namespace } from "./paths";
import { run } from "../../shared/process";

/*
 * The links of a VPC: what they must be, what the kernel has, and the commands that turn the one into
 * the other. Each part is compared on its own (a link, its state, its addresses, its routes), so that
 * what is lost on its own is mended on its own, while hosts run.
 */

/** The machine's end of the link to a VPC. */
export const outerLink = (vpcId: string) => `kl-${vpcId.slice(4, 16)}`;
/** The router's end of that link. */
export const UPLINK = "uplink";
/** The router's end of slirp4netns. */
export const TAP = "tap0";
export const bridge = (subnetId: string) => `br-${subnetId.slice(7, 19)}`;
export const hostPort = (instanceId: string) => `p-${instanceId.slice(2, 14)}`;

/** A link as the kernel has it. */
export interface Link {
  name: string;
  index: number;
  /** Of a veth link: the index of its other end. */
  peer?: number;
  up: boolean;
  /** Bytes of the largest frame. */
  mtu: number;
  /** The MAC address; lo has none. */
  mac?: string;
  /** IPv4, with the prefix: `10.0.0.1/24`. */
  addresses: string[];
  /** The bridge that the link is a port of. */
  bridge?: string;
  /** Of a port: whether it is isolated from the other ports. */
  isolated: boolean;
}

/** What of the kernel's state concerns a VPC. */
export interface Found {
  /** The machine's end, if there is one. */
  outer?: Link;
  /** The machine's routes for exactly the VPC's public block. */
  routes: Route[];
  /** The links of the router. */
  links: Link[];
  /** The default route of the router. */
  defaultRoutes: Route[];
  /** The kernel settings of the router, by name. */
  sysctls: ReadonlyMap<string, string>;
}

export interface Route {
  type?: string;
  gateway?: string;
  dev?: string;
  metric?: number;
}

/** Commands that mend the links of a VPC, in the order in which they run. */
export interface Repairs {
  /** The link between the machine and the router is gone, or one of its ends is another link. */
  pair: boolean;
  /** Lines for `ip -batch` on the machine. */
  machine: string[];
  /** Lines for `ip -batch` in the router. */
  router: string[];
  /** `name=value` for `sysctl -w` in the router. */
  sysctls: string[];
  /** slirp4netns has lost its device and must start again. */
  slirp: boolean;
}

/** Reads what the kernel has of a VPC whose namespace exists. */
export async function look(vpc: VpcModel): Promise<Found> {
  const names = [...sysctlsOf(vpc).keys()];
  // Each `ip` prints one line; a shell of its own costs less than a process of this one for each.
  const [here, there] = await Promise.all([
    shell([], [
      `${SHOW} dev ${outerLink(vpc.id)} 2>/dev/null || echo '[]'`,
      `ip -json -4 route show ${publicCidr(vpc.slot)}`,
    ]),
    shell(inRouter(vpc.id), [
      SHOW,
      "ip -json -4 route show default",
      // Those of a bridge that is missing are missing too.
      `sysctl --ignore ${names.join(" ")}`,
    ]),
  ]);
  const [outer] = linksIn(here[0]);
  const sysctls = there.slice(2).map((line) => line.split(" = ") as [string, string]);
  return {
    ...(outer === undefined ? {} : { outer }),
    routes: JSON.parse(here[1] ?? "") as Route[],
    links: linksIn(there[0]),
    defaultRoutes: JSON.parse(there[1] ?? "") as Route[],
    sysctls: new Map(sysctls),
  };
} // prettier-ignore

const SHOW = "ip -json -details address show";

async function shell(enter: readonly string[], commands: string[]): Promise<string[]> {
  const text = await run([...enter, "sh", "-e"], commands.join("\n"));
  return text.split("\n").filter(Boolean);
}

/** A command that runs the rest of a command line in the router of a VPC. */
export const inRouter = (vpcId: string) => ["nsenter", `--net=/run/netns/${namespace(vpcId)}`];

/**
 * What must be done to the links of a VPC.
 *
 * @param slirp Whether slirp4netns runs.
 */
export function repairsOf(vpc: VpcModel, found: Found, slirp: boolean): Repairs {
  const uplink = linkIn(found, UPLINK);
  const pair =
    found.outer === undefined ||
    found.outer.peer !== uplink?.index ||
    uplink?.peer !== found.outer.index;
  const tap = slirp ? linkIn(found, TAP) : undefined;
  return {
    pair,
    machine: machineRepairs(vpc, found, pair),
    router: [
      ...bridgeChanges(vpc, found),
      ...repair("lo", linkIn(found, "lo"), [
        `${LINK_LOCAL_RESOLVER}/32`,
        `${MIRROR.address}/32`,
        `${addressAt(vpc.cidr, 2)}/32`,
      ]),
      ...repair(UPLINK, pair ? undefined : uplink, [`${endsOf(vpc.slot).router}/30`]),
      ...subnetRepairs(vpc, found),
      ...(tap ? tapRepairs(found, tap) : []),
    ],
    sysctls: [...sysctlsOf(vpc)]
      .filter(([name, value]) => found.sysctls.get(name) !== value)
      // A kernel without IPv6 has nothing to disable.
      .filter(([name]) => found.sysctls.has(name) || !name.startsWith("net.ipv6."))
      .map(([name, value]) => `${name}=${value}`),
    slirp: slirp && tap === undefined,
  };
}

const linkIn = ({ links }: Found, name: string) => links.find((link) => link.name === name);

/** The machine's end of the link to the router, and its routes. */
function machineRepairs(vpc: VpcModel, found: Found, pair: boolean): string[] {
  const [ends, block, outer] = [endsOf(vpc.slot), publicCidr(vpc.slot), outerLink(vpc.id)];
  const lines: string[] = [];
  // The guard comes first: without it, packets could leave while the link is missing.
  if (!found.routes.some((r) => r.type === "unreachable" && r.metric === GUARD_METRIC)) {
    lines.push(`route replace ${guardRoute(block)}`);
  }
  lines.push(...repair(outer, pair ? undefined : found.outer, [`${ends.machine}/30`]));
  if (pair || !found.routes.some((r) => r.dev === outer && r.gateway === ends.router)) {
    lines.push(`route replace ${block} via ${ends.router} dev ${outer}`);
  }
  return lines;
}

/** Removes bridges of former subnets, and adds those of new ones. */
function bridgeChanges(vpc: VpcModel, found: Found): string[] {
  const bridges = vpc.subnets.map(({ id }) => bridge(id));
  const present = found.links.map(({ name }) => name);
  return [
    ...present
      .filter((name) => name.startsWith("br-") && !bridges.includes(name))
      .map((name) => `link delete ${name}`),
    ...bridges
      .filter((name) => !present.includes(name))
      .map((name) => `link add ${name} type bridge`),
  ];
}

/** The bridges of the subnets, and the ports of the hosts. */
function subnetRepairs(vpc: VpcModel, found: Found): string[] {
  return [
    ...vpc.subnets.flatMap(({ id, cidr }) => {
      const address = addressAt(cidr, 1);
      // A bridge without a MAC address of its own takes the lowest of its ports. When a host with such
      // a port comes or goes, all others would send to a wrong address until their ARP entries expire,
      // which takes up to a minute.
      const mac = macAddress(vpc.id, address);
      const addresses = [`${address}/${parseCidr(cidr).prefix}`];
      return repair(bridge(id), linkIn(found, bridge(id)), addresses, VPC_MTU, mac);
    }),
    ...vpc.hosts.flatMap((host) => {
      const port = linkIn(found, hostPort(host.id));
      return port === undefined ? [] : repairPort(port, bridge(host.subnetId));
    }),
  ];
}

/** The link to slirp4netns, and the default route. */
function tapRepairs(found: Found, tap: Link): string[] {
  const [address, gateway] = [addressAt(SLIRP_CIDR, 100), addressAt(SLIRP_CIDR, 2)];
  const lines = repair(TAP, tap, [`${address}/${parseCidr(SLIRP_CIDR).prefix}`]);
  return found.defaultRoutes.some((r) => r.dev === TAP && r.gateway === gateway)
    ? lines
    : [...lines, `route replace default via ${gateway} dev ${TAP}`];
}

/** Whether nothing must be done. */
export const nothing = ({ pair, machine, router, sysctls, slirp }: Repairs) =>
  !pair && !slirp && [machine, router, sysctls].every((list) => list.length === 0);

/** Mends the links between the machine and the router, and those of the router. */
export async function mend(vpc: VpcModel, repairs: Repairs): Promise<void> {
  const [router, outer] = [namespace(vpc.id), outerLink(vpc.id)];
  if (repairs.pair) {
    // One end takes the other with it.
    await run(["ip", "link", "delete", outer]).catch(() => undefined);
    await run(["ip", "-n", router, "link", "delete", UPLINK]).catch(() => undefined);
    await run(["ip", "link", "add", outer, "type", "veth", "peer", "name", UPLINK, "netns", router]);
  } // prettier-ignore
  await batch(["ip"], repairs.machine);
  await batch(["ip", "-n", router], repairs.router);
  if (repairs.sysctls.length) {
    await run([...inRouter(vpc.id), "sysctl", "-q", "-w", ...repairs.sysctls]);
  }
}

/** The lines for `ip -batch` that make a port of a host a port of its subnet's bridge. */
export function repairPort(
  { name, up, mtu, ...port }: Pick<Link, "name" | "up" | "mtu" | "bridge" | "isolated">,
  on: string,
): string[] {
  const lines: string[] = [];
  if (mtu !== VPC_MTU) {
    lines.push(`link set ${name} mtu ${VPC_MTU}`);
  }
  const moves = port.bridge !== on;
  // A port that is not isolated would go round the firewall: it is down until it is isolated.
  if (moves && up) {
    lines.push(`link set ${name} down`);
  }
  if (moves) {
    lines.push(`link set ${name} master ${on}`);
  }
  if (moves || !port.isolated) {
    lines.push(`link set ${name} type bridge_slave isolated on`);
  }
  if (moves || !up) {
    lines.push(`link set ${name} up`);
  }
  return lines;
}

function repair(
  name: string,
  link: Link | undefined,
  addresses: string[],
  mtu = link?.mtu,
  mac = link?.mac,
): string[] {
  return [
    ...(link?.mac === mac ? [] : [`link set ${name} address ${mac}`]),
    ...(link?.mtu === mtu ? [] : [`link set ${name} mtu ${mtu}`]),
    ...addresses
      .filter((address) => !link?.addresses.includes(address))
      .map((address) => `address replace ${address} dev ${name}`),
    ...(link?.up ? [] : [`link set ${name} up`]),
  ];
}

function sysctlsOf(vpc: VpcModel): Map<string, string> {
  return new Map([
    ["net.ipv4.ip_forward", "1"],
    ["net.ipv4.conf.all.send_redirects", "0"],
    ["net.ipv4.conf.default.send_redirects", "0"],
    ["net.ipv6.conf.all.disable_ipv6", "1"],
    ["net.ipv6.conf.default.disable_ipv6", "1"],
    ...vpc.subnets.flatMap(({ id }): [string, string][] => [
      [`net.ipv4.conf.${bridge(id)}.proxy_arp_pvlan`, "1"],
      [`net.ipv4.conf.${bridge(id)}.send_redirects`, "0"],
      [`net.ipv4.neigh.${bridge(id)}.proxy_delay`, "0"],
    ]),
  ]);
}

interface IpAddressShow {
  ifname?: string;
  ifindex: number;
  address?: string;
  link_index?: number;
  flags: string[];
  mtu: number;
  master?: string;
  linkinfo?: { info_slave_data?: { isolated?: boolean } };
  addr_info: { family: string; local: string; prefixlen: number }[];
}

/** One link of a router, if it is there. */
export async function linkOf(vpcId: string, name: string): Promise<Link | undefined> {
  const [shown] = await shell(inRouter(vpcId), [`${SHOW} dev ${name} 2>/dev/null || echo '[]'`]);
  return linksIn(shown)[0];
}

function linksIn(shown = ""): Link[] {
  return (JSON.parse(shown) as IpAddressShow[]).flatMap((link) =>
    link.ifname === undefined
      ? [] // iproute2 shows an empty object for each link that it filters out
      : {
          name: link.ifname,
          index: link.ifindex,
          ...(link.link_index === undefined ? {} : { peer: link.link_index }),
          up: link.flags.includes("UP"),
          mtu: link.mtu,
          ...(link.address === undefined ? {} : { mac: link.address }),
          addresses: link.addr_info
            .filter(({ family }) => family === "inet")
            .map(({ local, prefixlen }) => `${local}/${prefixlen}`),
          ...(link.master === undefined ? {} : { bridge: link.master }),
          isolated: link.linkinfo?.info_slave_data?.isolated === true,
        },
  );
}

async function batch(ip: string[], lines: string[]): Promise<void> {
  if (lines.length) {
    await run([...ip, "-batch", "-"], `${lines.join("\n")}\n`);
  }
}
