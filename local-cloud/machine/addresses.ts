import { createHash } from "node:crypto";
import ipaddr from "ipaddr.js";

/** `10.0.0.0/16` → first address as a number, and the number of addresses. */
export function parseCidr(cidr: string): { base: number; size: number; prefix: number } {
  const [address, prefix] = ipaddr.IPv4.parseCIDR(cidr);
  return { base: toNumber(address.toString()), size: 2 ** (32 - prefix), prefix };
}

/** The address at `offset` within `cidr`. A negative offset counts from the end. */
export function addressAt(cidr: string, offset: number): string {
  const { base, size } = parseCidr(cidr);
  return fromNumber(offset < 0 ? base + size + offset : base + offset);
}

/** Whether `cidr` is written with its network address: `10.0.0.0/16`, not `10.0.0.1/16`. */
export function isNetwork(cidr: string): boolean {
  if (!ipaddr.IPv4.isValidCIDR(cidr)) {
    return false;
  }
  return ipaddr.IPv4.networkAddressFromCIDR(cidr).toString() === cidr.split("/")[0];
}

/** Whether the two blocks share an address. */
export function overlaps(a: string, b: string): boolean {
  const [x, y] = [parseCidr(a), parseCidr(b)];
  return x.base < y.base + y.size && y.base < x.base + x.size;
}

/** Whether `outer` contains all of `inner`. */
export function contains(outer: string, inner: string): boolean {
  const [o, i] = [parseCidr(outer), parseCidr(inner)];
  return o.base <= i.base && i.base + i.size <= o.base + o.size;
}

/** Whether the text is an IPv4 address with four decimal parts. */
export const isAddress = (text: string) => ipaddr.IPv4.isValidFourPartDecimal(text);

function toNumber(address: string): number {
  return address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

function fromNumber(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

/**
 * The MAC address of an address in a VPC, also for the router. It is locally administered and depends
 * only on the address, so ARP tables stay valid when a host or the router is created again.
 */
export function macAddress(vpcId: string, address: string): string {
  const octets = createHash("sha256").update(`${vpcId} ${address}`).digest().subarray(0, 5);
  return ["0a", ...[...octets].map((octet) => octet.toString(16).padStart(2, "0"))].join(":");
}
