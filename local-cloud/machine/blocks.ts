import { addressAt, contains, parseCidr } from "./addresses";

/*
 * Public addresses come from RFC 2544's block for benchmarks, 198.18.0.0/15, which no real network uses.
 * Each VPC has one /24 block of it, its slot. All elastic addresses of a state directory come from one
 * other slot.
 */

/** The block of all public addresses. */
export const PUBLIC_CIDR = "198.18.0.0/15";
/**
 * The number of /24 blocks that can be slots. Of the last two of 512, one is SLIRP_CIDR. The other one
 * contains the elastic addresses of labs from earlier releases.
 */
export const SLOTS = 510;
/** The network between a VPC's router and slirp4netns. slirp4netns uses fixed addresses in it. */
export const SLIRP_CIDR = "198.19.255.0/24";

/** `198.18.0.0/24`, `198.18.1.0/24`, … by slot. */
export const publicCidr = (slot: number) => `198.${18 + (slot >> 8)}.${slot & 255}.0/24`;

/** The slot of a public address. @default undefined, if the address is in no slot */
export function slotOf(address: string): number | undefined {
  const [here, all] = [parseCidr(`${address}/32`), parseCidr(PUBLIC_CIDR)];
  const slot = Math.floor((here.base - all.base) / 256);
  return contains(PUBLIC_CIDR, `${address}/32`) && slot < SLOTS ? slot : undefined;
}

/** The addresses of the two ends of the link between the machine and a VPC's router. */
export const endsOf = (slot: number) => ({
  machine: addressAt(publicCidr(slot), 1),
  router: addressAt(publicCidr(slot), 2),
});
