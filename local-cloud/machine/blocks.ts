import { addressAt } from "./addresses";

/*
 * Public addresses come from RFC 2544's block for benchmarks, 198.18.0.0/15, which no real network uses.
 * Each VPC has one /24 block of it, its slot.
 */

/** The number of blocks for VPCs. */
export const SLOTS = 510; // of 512 /24 blocks; the last two are ELASTIC_CIDR and SLIRP_CIDR
/** The block of elastic IP addresses. No route leads to them, because a NAT gateway accepts no ingress. */
export const ELASTIC_CIDR = "198.19.254.0/24";
/** The network between a VPC's router and slirp4netns. slirp4netns uses fixed addresses in it. */
export const SLIRP_CIDR = "198.19.255.0/24";

/** `198.18.0.0/24`, `198.18.1.0/24`, … by slot. */
export const publicCidr = (slot: number) => `198.${18 + (slot >> 8)}.${slot & 255}.0/24`;

/** The addresses of the two ends of the link between the machine and a VPC's router. */
export const endsOf = (slot: number) => ({
  machine: addressAt(publicCidr(slot), 1),
  router: addressAt(publicCidr(slot), 2),
});
