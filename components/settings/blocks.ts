import { type Block, formatCidr, networkOf, overlap, parseCidr } from "../lib/addresses";
import { type Breach } from "./breach";
import { type Check, type Context } from "./define";
import { target } from "./lab";
import { breach } from "./rules";

/*
 * Rules for IPv4 blocks whose addresses may use a port of the lab.
 */

/** The addresses of the local cloud's hosts and of this machine as the hosts see it. */
export const LOCAL_ADDRESSES = "198.18.0.0/15";

/** How users find out what they have to allow. */
export const OWN_ADDRESS = "find your own address with: curl https://checkip.amazonaws.com";

/** The rule for one block. @param what Names the port: `SSH`. */
export function badBlock(what: string): Check<string> {
  return (value) => {
    const block = parseCidr(value);
    const remedy = `Name your own: ${OWN_ADDRESS}`;
    if (value.endsWith("/0")) {
      return { rule: `not open ${what} to the whole internet`, remedy };
    }
    if (block === undefined) {
      return { rule: "hold IPv4 CIDRs", remedy: `A single address ends in /32; ${OWN_ADDRESS}` };
    }
    return (
      strayBits(block) ?? breach(block.prefix < 8, `not open ${what} to more than a /8`, remedy)
    );
  };
}

/** The rule against blocks that contain other ones. */
export function overlapping(values: string[]): Breach | undefined {
  const narrower = values.flatMap((one, index) =>
    values.slice(index + 1).filter((other) => overlap(checkedBlock(one), checkedBlock(other))),
  );
  return breach(
    narrower.length > 0,
    "hold blocks that do not overlap",
    `Leave out the narrower one (${narrower.join(", ")})`,
  );
}

/** The rule of the local target: this machine must have access. */
export function lacksThisMachine(values: string[], context: Context): Breach | undefined {
  return breach(
    context.get(target) === "local" &&
      !values.some((value) => overlap(checkedBlock(value), checkedBlock(LOCAL_ADDRESSES))),
    `hold ${LOCAL_ADDRESSES} or a part of it on the local target, where this machine has its address`,
    "Leave it out to take that block",
  );
}

/** The rule for the first address of a block. */
export function strayBits(block: Block): Breach | undefined {
  const network = formatCidr(networkOf(block));
  return breach(
    network !== formatCidr(block),
    "start at the first address of its block",
    `Write it as ${network}`,
  );
}

/** Parses a block that was already checked. */
export function checkedBlock(text: string): Block {
  const block = parseCidr(text);
  if (block === undefined) {
    throw new Error(`not an IPv4 CIDR: ${text}`);
  }
  return block;
}
