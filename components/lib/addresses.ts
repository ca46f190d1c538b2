import * as ipaddr from "ipaddr.js";
import { type Role } from "./names";

/** An IPv4 block: its first address as a number, and its prefix length. */
export interface Block {
  first: number;
  prefix: number;
}

/**
 * A VPC is cut into eight blocks of the same size. The first ones are the public subnets, one a
 * zone; the rest stays free, so that more subnets never move the ones that are there.
 */
const SUBNET_BITS = 3;

/** AWS keeps the first four addresses and the last one of every subnet. */
const FIRST_OFFSET: Record<Role, number> = { zookeeper: 4, kafka: 10 };

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

/** The CIDRs of the first `count` subnets of a VPC. */
export function subnetCidrs(vpcCidr: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => formatCidr(subnet(vpcCidr, index)));
}

/** The index of the zone, and so of the subnet, that a node lives in: round robin by ordinal. */
export function zoneIndex(ordinal: number, zones: number): number {
  return (ordinal - 1) % zones;
}

/**
 * The private address of a node. It depends on the role, the ordinal and the number of zones, and
 * not on how many nodes there are, so growing or shrinking moves nobody.
 */
export function hostAddress(vpcCidr: string, zones: number, role: Role, ordinal: number): string {
  const { first } = subnet(vpcCidr, zoneIndex(ordinal, zones));
  return formatAddress(first + FIRST_OFFSET[role] + Math.floor((ordinal - 1) / zones));
}

/** How many nodes of a role find an address in a VPC with this prefix and number of zones. */
export function capacity(vpcPrefix: number, zones: number, role: Role): number {
  const end = role === "zookeeper" ? FIRST_OFFSET.kafka : 2 ** (32 - vpcPrefix - SUBNET_BITS) - 1;
  return Math.max(0, end - FIRST_OFFSET[role]) * zones;
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

function subnet(vpcCidr: string, index: number): Block {
  const vpc = block(vpcCidr);
  const prefix = vpc.prefix + SUBNET_BITS;
  return { first: vpc.first + index * 2 ** (32 - prefix), prefix };
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
