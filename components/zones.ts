import { getAvailabilityZones } from "@pulumi/aws/getAvailabilityZones";
import * as pulumi from "@pulumi/pulumi";
import { MAX_ZONES, MIN_ZONES } from "./lib/settings";
import type { Zone } from "./network";

/**
 * The zones to spread hosts over: the first three of the region that need no opting in. They are
 * asked for before anything else is made, since they decide how many subnets there are.
 */
export async function findZones(opts: pulumi.InvokeOptions): Promise<Zone[]> {
  const { names, zoneIds, region } = await getAvailabilityZones(
    { state: "available", filters: [{ name: "opt-in-status", values: ["opt-in-not-required"] }] },
    opts,
  );
  if (names.length < MIN_ZONES) {
    const message =
      `Region "${region}": it must have ${MIN_ZONES} availability zones or more; ` +
      `got ${names.length === 0 ? "none" : names.join(", ")}. Choose another with kafkalab:region.`;
    throw new pulumi.ResourceError(message, undefined, true);
  }
  return names.slice(0, MAX_ZONES).map((name, index) => ({ name, id: zoneIds[index] ?? name }));
}
