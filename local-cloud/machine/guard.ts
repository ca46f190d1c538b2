import { publicCidr } from "./blocks";
import { withLock } from "./lock";
import { run } from "../../shared/process";

/*
 * As long as a VPC exists, the machine has an unreachable route for its public block. The route by
 * the VPC's link has a lower metric, so it wins while the link is up. When the link is gone (after a
 * restart of the machine, for example), packets for the hosts end on this machine. Without the guard
 * they would leave by the default route, to another owner of these addresses.
 */

/**
 * The guard of a block, as `ip route` takes it. systemd-networkd removes routes that it does not know
 * when it restarts, except those of the protocol `kernel`.
 */
export const guardRoute = (block: string) =>
  `unreachable ${block} metric ${GUARD_METRIC} protocol kernel`;

/** The highest metric, so that every other route to the block is preferred. */
export const GUARD_METRIC = 4294967295;

/**
 * Sets the guard of a VPC, before anything dials one of its hosts.
 *
 * @param readSlot Reads the VPC's slot when its turn has come: undefined if another process is removing
 *   the VPC.
 */
export function ensureGuard(vpcId: string, readSlot: () => number | undefined): Promise<void> {
  return withLock(`network ${vpcId}`, async () => {
    const slot = readSlot();
    if (slot !== undefined) {
      await run(["ip", "route", "replace", ...guardRoute(publicCidr(slot)).split(" ")]);
    }
  });
}

/** Removes the guard of a block, if it is there. */
export async function removeGuard(slot: number): Promise<void> {
  const route = guardRoute(publicCidr(slot)).split(" ");
  await run(["ip", "route", "delete", ...route]).catch(() => undefined);
}
