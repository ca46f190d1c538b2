import { addressAt } from "./addresses";

/*
 * Public addresses are from RFC 2544's block for benchmarks, 198.18.0.0/15, which no real network
 * uses. Each VPC has one block /24 of it, its slot.
 */

/** The number of blocks for VPCs. */
export const SLOTS = 510; // of 512 blocks /24; the last two are the next ones
/** Where elastic addresses are from. Nothing routes them, as NAT gateways let nobody in. */
export const ELASTIC_CIDR = "198.19.254.0/24";
/** The network between a VPC's router and slirp4netns, which has fixed addresses in it. */
export const SLIRP_CIDR = "198.19.255.0/24";

/** `198.18.0.0/24`, `198.18.1.0/24`, … by slot. */
export const publicCidr = (slot: number) => `198.${18 + (slot >> 8)}.${slot & 255}.0/24`;

/** The addresses of the two ends of the link between the machine and a VPC's router. */
export const endsOf = (slot: number) => ({
  machine: addressAt(publicCidr(slot), 1),
  router: addressAt(publicCidr(slot), 2),
});
