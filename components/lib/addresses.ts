import * as ipaddr from "ipaddr.js";
import { type Role } from "./names";

/** An IPv4 block: its first address as a number, and its prefix length. */
export interface Block {
  first: number;
  prefix: number;
}

/** The two kinds of subnet: reachable from the internet, or not. */
export type Tier = "public" | "private";

/**
 * A VPC consists of eight blocks of the same size: four for the public and four for the private subnets,
 * one for each zone. Unused blocks stay free, so that an additional subnet never moves existing ones.
 */
const SUBNET_BITS = 3;

const FIRST_BLOCK: Record<Tier, number> = { public: 0, private: 4 };

/**
 * The first offset in a subnet of each role, and of the NAT gateway. Each has its own offsets, the same in
 * public and private subnets: when the topology changes, Pulumi creates new hosts before it has deleted all
 * old ones. AWS reserves the first four addresses and the last address of a subnet. Nine ZooKeeper nodes in
 * two zones need five addresses in a zone. There is one bastion and one NAT gateway, so they share an offset
 * and are in different zones.
 *
 * Clients are not in this table: their addresses start at the end of the subnet and go down, towards those
 * of the brokers. Otherwise a /25 would have room for fewer brokers, even in a lab without clients.
 */
const FIRST_OFFSETS: Record<Exclude<Role, "client"> | "nat", number> = {
  zookeeper: 4,
  bastion: 9,
  nat: 9,
  kafka: 10,
};

/** The lab uses at most this many zones. */
export const MAX_ZONES = 3;

/** The lab uses at least this many zones, so that it survives the loss of one. */
export const MIN_ZONES = 2;

/** Index of the NAT gateway's zone: the one after the bastion's. There are always at least two. */
export const NAT_ZONE_INDEX = 1;

/** Parses an IPv4 CIDR; `undefined` if the text is not one. `first` keeps the host bits. */
export function parseCidr(text: string): Block | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/.test(text) || !ipaddr.IPv4.isValidCIDR(text)) {
    return undefined;
  }
  const [address, prefix] = ipaddr.IPv4.parseCIDR(text);
  return { first: toNumber(address.octets), prefix };
}

/** Returns the block without its host bits. */
export function networkOf(block: Block): Block {
  return { first: block.first - (block.first % size(block)), prefix: block.prefix };
}

/** The block in CIDR notation. */
export function formatCidr(block: Block): string {
  return `${formatAddress(block.first)}/${block.prefix}`;
}

/** Whether two blocks share an address. */
export function overlap(one: Block, other: Block): boolean {
  const a = networkOf(one);
  const b = networkOf(other);
  return a.first < b.first + size(b) && b.first < a.first + size(a);
}

/** Whether `outer` contains all of `inner`. */
export function contains(outer: Block, inner: Block): boolean {
  return inner.prefix >= outer.prefix && overlap(outer, inner);
}

/** The CIDRs of the first `count` subnets of a kind. */
export function subnetCidrs(vpcCidr: string, tier: Tier, count: number): string[] {
  return Array.from({ length: count }, (_, index) => formatCidr(subnet(vpcCidr, tier, index)));
}

/** The index of a node's zone and subnet: round robin by ordinal. */
export function zoneIndex(ordinal: number, zones: number): number {
  return (ordinal - 1) % zones;
}

/**
 * The private address of a node. It depends on the role, the ordinal and the number of zones. It does not
 * depend on the number of nodes, so adding or removing nodes changes no other node's address.
 */
export function hostAddress(
  vpcCidr: string,
  zones: number,
  tier: Tier,
  role: Role,
  ordinal: number,
): string {
  const { first, prefix } = subnet(vpcCidr, tier, zoneIndex(ordinal, zones));
  const index = Math.floor((ordinal - 1) / zones);
  const offset = role === "client" ? lastOffset(prefix) - index : FIRST_OFFSETS[role] + index;
  return formatAddress(first + offset);
}

/** The private address of the NAT gateway, in the public subnet of its zone. */
export function natAddress(vpcCidr: string): string {
  return formatAddress(subnet(vpcCidr, "public", NAT_ZONE_INDEX).first + FIRST_OFFSETS.nat);
}

/**
 * The maximum number of nodes of a role in a VPC with this prefix and number of zones.
 *
 * @param others The number of clients for brokers, and of brokers for clients: these two share the rest of
 *   a subnet.
 */
export function capacity(vpcPrefix: number, zones: number, role: Role, others = 0): number {
  switch (role) {
    case "bastion":
      return 1;
    case "zookeeper":
      return (FIRST_OFFSETS.bastion - FIRST_OFFSETS.zookeeper) * zones;
    case "kafka":
    case "client": {
      const shared = lastOffset(vpcPrefix + SUBNET_BITS) + 1 - FIRST_OFFSETS.kafka;
      return Math.max(0, shared - Math.ceil(others / zones)) * zones;
    }
  }
}

/** The reverse zone of a VPC's addresses. Reverse zones begin at an octet boundary. */
export function reverseZone(vpcCidr: string): string {
  const { first, prefix } = block(vpcCidr);
  const octets = formatAddress(first)
    .split(".")
    .slice(0, prefix < 24 ? 2 : 3);
  return `${octets.reverse().join(".")}.in-addr.arpa`;
}

/** The name of the PTR record of an address. */
export function pointerName(address: string): string {
  return `${address.split(".").reverse().join(".")}.in-addr.arpa`;
}

function subnet(vpcCidr: string, tier: Tier, index: number): Block {
  const vpc = block(vpcCidr);
  const prefix = vpc.prefix + SUBNET_BITS;
  return { first: vpc.first + (FIRST_BLOCK[tier] + index) * 2 ** (32 - prefix), prefix };
}

/** The last offset in a subnet that AWS does not reserve. */
function lastOffset(subnetPrefix: number): number {
  return 2 ** (32 - subnetPrefix) - 2;
}

function block(cidr: string): Block {
  const parsed = parseCidr(cidr);
  if (parsed === undefined) {
    throw new Error(`not an IPv4 CIDR: ${cidr}`);
  }
  return parsed;
}

function size(block: Block): number {
  return 2 ** (32 - block.prefix);
}

function toNumber(octets: number[]): number {
  return octets.reduce((sum, octet) => sum * 256 + octet, 0);
}

function formatAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}
