import * as ipaddr from "ipaddr.js";
import { type Role } from "./names";

/** An IPv4 block: its first address as a number, and its prefix length. */
export interface Block {
  first: number;
  prefix: number;
}

/** The two kinds of subnet: with a way in from the internet, and without. */
export type Tier = "public" | "private";

/**
 * A VPC is cut into eight blocks of the same size, four for the subnets of each kind, one a zone.
 * What is left stays free, so that more subnets never move the ones that are there.
 */
const SUBNET_BITS = 3;

const FIRST_BLOCK: Record<Tier, number> = { public: 0, private: 4 };

/** What has fixed addresses: hosts of each role, and the NAT gateway. */
type Tenant = Role | "nat";

/** Addresses of one tenant in each subnet: from the first offset to the one before `end`. */
interface OffsetRange {
  first: number;
  /** Infinity: up to the end of the subnet. */
  end: number;
}

/**
 * Each tenant has offsets of its own, in public and private subnets alike: a change of the topology
 * makes the new hosts before all of the old ones are gone. AWS keeps the first four addresses of a
 * subnet and the last one. Nine ZooKeeper nodes in two zones are five a zone. The bastion and the NAT
 * gateway exist once each, so they share an offset and live in different zones.
 */
const OFFSETS: Record<Tenant, OffsetRange> = {
  zookeeper: { first: 4, end: 9 },
  bastion: { first: 9, end: 10 },
  nat: { first: 9, end: 10 },
  kafka: { first: 10, end: Infinity },
};

/** Hosts are spread over as many zones as there are, up to this many... */
export const MAX_ZONES = 3;

/** ...and never over fewer than this, so that one zone may be lost. */
export const MIN_ZONES = 2;

/** The zone of the NAT gateway: the one after the bastion's. There are always two. */
export const NAT_ZONE_INDEX = 1;

/** Reads an IPv4 CIDR; `undefined` if it is none. Bits below the prefix are kept in `first`. */
export function parseCidr(text: string): Block | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/.test(text) || !ipaddr.IPv4.isValidCIDR(text)) {
    return undefined;
  }
  const [address, prefix] = ipaddr.IPv4.parseCIDR(text);
  return { first: toNumber(address.octets), prefix };
}

/** The block without the bits below its prefix. */
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

/** Whether `outer` holds the whole of `inner`. */
export function contains(outer: Block, inner: Block): boolean {
  return inner.prefix >= outer.prefix && overlap(outer, inner);
}

/** The CIDRs of the first `count` subnets of a kind. */
export function subnetCidrs(vpcCidr: string, tier: Tier, count: number): string[] {
  return Array.from({ length: count }, (_, index) => formatCidr(subnet(vpcCidr, tier, index)));
}

/** The index of the zone, and so of the subnet, that a node lives in: round robin by ordinal. */
export function zoneIndex(ordinal: number, zones: number): number {
  return (ordinal - 1) % zones;
}

/**
 * The private address of a node. It depends on the role, the ordinal and the number of zones, and
 * not on how many nodes there are, so growing or shrinking moves nobody.
 */
export function hostAddress(
  vpcCidr: string,
  zones: number,
  tier: Tier,
  role: Role,
  ordinal: number,
): string {
  const { first } = subnet(vpcCidr, tier, zoneIndex(ordinal, zones));
  return formatAddress(first + OFFSETS[role].first + Math.floor((ordinal - 1) / zones));
}

/** The private address of the NAT gateway, in the public subnet of its zone. */
export function natAddress(vpcCidr: string): string {
  return formatAddress(subnet(vpcCidr, "public", NAT_ZONE_INDEX).first + OFFSETS.nat.first);
}

/** How many nodes of a role find an address in a VPC with this prefix and number of zones. */
export function capacity(vpcPrefix: number, zones: number, role: Role): number {
  if (role === "bastion") {
    return 1;
  }
  const { first, end } = OFFSETS[role];
  const last = 2 ** (32 - vpcPrefix - SUBNET_BITS) - 1;
  return Math.max(0, Math.min(end, last) - first) * zones;
}

/** The reverse zone that holds every address of a VPC: on an octet boundary, as zones are. */
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
