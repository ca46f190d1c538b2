import { publicCidr } from "./blocks";
import { withLock } from "./lock";
import { run } from "../../shared/process";

/*
 * While a VPC exists, the machine has an unreachable route for its public block. While an elastic address
 * exists, the machine has one for the block of the elastic addresses. The route through the
 * VPC's link has a lower metric, so the kernel prefers it while the link is up. Without the link (after a
 * restart of the machine, for example), the machine rejects packets for the hosts. Without the guard such
 * packets would follow the default route to another owner of these addresses.
 */

/**
 * The arguments of `ip route` for the guard of a block. systemd-networkd removes unknown routes when it
 * restarts, except routes with the protocol `kernel`.
 */
export const guardRoute = (block: string) =>
  `unreachable ${block} metric ${GUARD_METRIC} protocol kernel`;

/** The highest metric, so that the kernel prefers every other route to the block. */
export const GUARD_METRIC = 4294967295;

/**
 * Adds the guard of a VPC. Call it before anything connects to one of the hosts.
 *
 * @param readSlot Reads the VPC's slot after this function has the lock. Returns undefined if another
 *   process removes the VPC.
 */
export function ensureGuard(vpcId: string, readSlot: () => number | undefined): Promise<void> {
  return withLock(`network ${vpcId}`, async () => {
    const slot = readSlot();
    if (slot !== undefined) {
      await run(["ip", "route", "replace", ...guardRoute(publicCidr(slot)).split(" ")]);
    }
  });
}

/** Removes the guard of a VPC if it exists. */
export const removeGuard = (slot: number): Promise<void> => removeRoute(publicCidr(slot));

/**
 * Adds the guard of the block of elastic addresses.
 *
 * @param readBlock Reads the block after this function has the lock. Returns undefined if there are no
 *   elastic addresses.
 * @param former A block that had elastic addresses. This function removes its guard if it has none now.
 */
export function settleElasticGuard(
  readBlock: () => string | undefined,
  former?: string,
): Promise<void> {
  return withLock("elastic addresses", async () => {
    const block = readBlock();
    if (former !== undefined && former !== block) {
      await removeRoute(former);
    }
    if (block !== undefined) {
      await run(["ip", "route", "replace", ...guardRoute(block).split(" ")]);
    }
  });
}

async function removeRoute(block: string): Promise<void> {
  await run(["ip", "route", "delete", ...guardRoute(block).split(" ")]).catch(() => undefined);
}
