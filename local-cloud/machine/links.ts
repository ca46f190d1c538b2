import { addressAt, contains, isAddress, macAddress, parseCidr } from "./addresses";
import { endsOf, PUBLIC_CIDR, publicCidr, SLIRP_CIDR } from "./blocks";
import { LINK_LOCAL_RESOLVER, MIRROR, VPC_MTU } from "./dns";
import { GUARD_METRIC, guardRoute } from "./guard";
import type { VpcModel } from "./model";
import { namespace } from "./paths";
import { run } from "../../shared/process";

/*
 * The links of a VPC: their wanted state, their state in the kernel, and the commands that repair the
 * difference. Each part is compared separately (a link, its state, its addresses, its routes), so that a
 * repair changes only the broken part while hosts run.
 */

/** The machine's end of the link to a VPC. */
export const outerLink = (vpcId: string) => `kl-${vpcId.slice(4, 16)}`;
/** The router's end of that link. */
export const UPLINK = "uplink";
/** The router's end of slirp4netns. */
export const TAP = "tap0";
export const bridge = (subnetId: string) => `br-${subnetId.slice(7, 19)}`;
export const hostPort = (instanceId: string) => `p-${instanceId.slice(2, 14)}`;

/** The state of a link in the kernel. */
export interface Link {
  name: string;
  index: number;
  /** The index of the other end of a veth link. */
  peer?: number;
  up: boolean;
  /** Maximum frame size in bytes. */
  mtu: number;
  /** The MAC address; lo has none. */
  mac?: string;
  /** IPv4, with the prefix: `10.0.0.1/24`. */
  addresses: string[];
  /** The bridge that the link is a port of. */
  bridge?: string;
  /** Whether a bridge port is isolated from the other ports. */
  isolated: boolean;
}

/** The part of the kernel's state that concerns a VPC. */
export interface Found {
  /** The machine's end of the link, if it exists. */
  outer?: Link;
  /** The machine's routes for exactly the VPC's public block. */
  routes: Route[];
  /** The machine's routes through its end of the link. */
  linkRoutes: Route[];
  /** The links of the router. */
  links: Link[];
  /** The default route of the router. */
  defaultRoutes: Route[];
  /** The kernel settings of the router, by name. */
  sysctls: ReadonlyMap<string, string>;
}

export interface Route {
  /** The destination. A single address has no prefix. */
  dst?: string;
  type?: string;
  gateway?: string;
  dev?: string;
  metric?: number;
}

/** Commands that repair the links of a VPC, in execution order. */
export interface Repairs {
  /** Whether the link between the machine and the router is missing, or one of its ends is another link. */
  pair: boolean;
  /** Former elastic addresses of the VPC, to which the machine still has a route through the link. */
  stale: string[];
  /** Lines for `ip -batch` on the machine. */
  machine: string[];
  /** Lines for `ip -batch` in the router. */
  router: string[];
  /** `name=value` for `sysctl -w` in the router. */
  sysctls: string[];
  /** Whether slirp4netns has lost its device and must restart. */
  slirp: boolean;
}

/** Reads the kernel's state of a VPC. Its namespace must exist. */
export async function look(vpc: VpcModel): Promise<Found> {
  const names = [...sysctlsOf(vpc).keys()];
  // Each `ip` prints one line. One shell that runs all commands is faster than one process for each.
  const [here, there] = await Promise.all([
    shell([], [
      `${SHOW} dev ${outerLink(vpc.id)} 2>/dev/null || echo '[]'`,
      `ip -json -4 route show ${publicCidr(vpc.slot)}`,
      `ip -json -4 route show dev ${outerLink(vpc.id)} 2>/dev/null || echo '[]'`,
    ]),
    shell(inRouter(vpc.id), [
      SHOW,
      "ip -json -4 route show default",
      // A missing bridge has no settings.
      `sysctl --ignore ${names.join(" ")}`,
    ]),
  ]);
  const [outer] = linksIn(here[0]);
  const sysctls = there.slice(2).map((line) => line.split(" = ") as [string, string]);
  return {
    ...(outer === undefined ? {} : { outer }),
    routes: routesIn(here[1]),
    linkRoutes: routesIn(here[2]),
    links: linksIn(there[0]),
    defaultRoutes: routesIn(there[1]),
    sysctls: new Map(sysctls),
  };
} // prettier-ignore

const routesIn = (shown = "") => JSON.parse(shown) as Route[];

const SHOW = "ip -json -details address show";

async function shell(enter: readonly string[], commands: string[]): Promise<string[]> {
  const text = await run([...enter, "sh", "-e"], commands.join("\n"));
  return text.split("\n").filter(Boolean);
}

/** A command that runs the rest of a command line in the router of a VPC. */
export const inRouter = (vpcId: string) => ["nsenter", `--net=/run/netns/${namespace(vpcId)}`];

/**
 * Returns the repairs that the links of a VPC need.
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
    stale: staleAddresses(vpc, found),
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
  // The guard comes first: without it, packets could follow the default route while the link is missing. The
  // guard of the elastic addresses belongs to all VPCs, so the plugin adds it at its start.
  if (!isGuarded(found.routes)) {
    lines.push(`route replace ${guardRoute(block)}`);
  }
  lines.push(...repair(outer, pair ? undefined : found.outer, [`${ends.machine}/30`]));
  if (pair || !found.routes.some((r) => r.dev === outer && r.gateway === ends.router)) {
    lines.push(`route replace ${block} via ${ends.router} dev ${outer}`);
  }
  for (const { address } of vpc.elastic) {
    const isRouted = found.linkRoutes.some((r) => r.dst === address && r.gateway === ends.router);
    if (pair || !isRouted) {
      lines.push(`route replace ${address} via ${ends.router} dev ${outer}`);
    }
  }
  return lines;
}

const isGuarded = (routes: Route[]) =>
  routes.some((r) => r.type === "unreachable" && r.metric === GUARD_METRIC);

function staleAddresses(vpc: VpcModel, { linkRoutes }: Found): string[] {
  const { router } = endsOf(vpc.slot);
  const wanted = new Set(vpc.elastic.map(({ address }) => address));
  return linkRoutes
    .filter(({ gateway }) => gateway === router)
    .flatMap(({ dst = "default" }) => (isAddress(dst) ? dst : []))
    .filter((address) => contains(PUBLIC_CIDR, `${address}/32`) && !wanted.has(address));
}

/** Removes the bridges of former subnets, and adds the bridges of new subnets. */
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
      // A bridge without its own MAC address uses the lowest address of its ports. When the host with that
      // port starts or stops, the other hosts would use a wrong address until their ARP entries expire,
      // up to a minute later.
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

/** Whether no repair is needed. */
export const nothing = ({ pair, stale, machine, router, sysctls, slirp }: Repairs) =>
  !pair && !slirp && [stale, machine, router, sysctls].every((list) => list.length === 0);

/** Repairs the link between the machine and the router, and the links of the router. */
export async function mend(vpc: VpcModel, repairs: Repairs): Promise<void> {
  const [router, outer] = [namespace(vpc.id), outerLink(vpc.id)];
  if (repairs.pair) {
    // Deleting one end also deletes the other.
    await run(["ip", "link", "delete", outer]).catch(() => undefined);
    await run(["ip", "-n", router, "link", "delete", UPLINK]).catch(() => undefined);
    await run(["ip", "link", "add", outer, "type", "veth", "peer", "name", UPLINK, "netns", router]);
  } // prettier-ignore
  for (const address of repairs.stale) {
    // Another VPC may have taken the address and its route over since the look.
    await run(["ip", "route", "delete", address, "dev", outer]).catch(() => undefined);
  }
  await batch(["ip"], repairs.machine);
  await batch(["ip", "-n", router], repairs.router);
  if (repairs.sysctls.length) {
    await run([...inRouter(vpc.id), "sysctl", "-q", "-w", ...repairs.sysctls]);
  }
}

/** The lines for `ip -batch` that connect a host's port to its subnet's bridge. */
export function repairPort(
  { name, up, mtu, ...port }: Pick<Link, "name" | "up" | "mtu" | "bridge" | "isolated">,
  on: string,
): string[] {
  const lines: string[] = [];
  if (mtu !== VPC_MTU) {
    lines.push(`link set ${name} mtu ${VPC_MTU}`);
  }
  const moves = port.bridge !== on;
  // A port that is not isolated would bypass the firewall, so it stays down until it is isolated.
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

/** Returns one link of a router, if it exists. */
export async function linkOf(vpcId: string, name: string): Promise<Link | undefined> {
  const [shown] = await shell(inRouter(vpcId), [`${SHOW} dev ${name} 2>/dev/null || echo '[]'`]);
  return linksIn(shown)[0];
}

function linksIn(shown = ""): Link[] {
  return (JSON.parse(shown) as IpAddressShow[]).flatMap((link) =>
    link.ifname === undefined
      ? [] // iproute2 prints an empty object for each link that it filters out
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
