import { getInstanceTypeOfferings } from "@pulumi/aws/ec2/getInstanceTypeOfferings";
import { getAvailabilityZones } from "@pulumi/aws/getAvailabilityZones";
import * as pulumi from "@pulumi/pulumi";
import { MAX_ZONES, MIN_ZONES } from "./lib/addresses";
import { type Settings } from "./settings";
import type { Zone } from "./network";

/**
 * Returns the zones to spread hosts over: the ones in the settings, or the region's first zones that need
 * no opt-in. The program needs them first, because they determine the number of subnets. The current
 * health of a zone does not matter: data volumes cannot move to another zone.
 */
export async function findZones(settings: Settings, opts: pulumi.InvokeOptions): Promise<Zone[]> {
  const [{ names, zoneIds, region }, offerings] = await Promise.all([
    getAvailabilityZones(
      { filters: [{ name: "opt-in-status", values: ["opt-in-not-required"] }] },
      opts,
    ),
    findOfferings(instanceTypes(settings), opts),
  ]);
  const ids = new Map(names.map((name, index) => [name, zoneIds[index] ?? name]));
  const wanted = settings.availabilityZones;
  const chosen = wanted.length > 0 ? wanted : names.slice(0, MAX_ZONES);
  if (names.length < MIN_ZONES) {
    refuse(
      `Region "${region}": it must have ${MIN_ZONES} availability zones or more; got ${list(names)}. ` +
        "Choose another with kafkalab:region.",
    );
  }
  const strange = chosen.filter((name) => !ids.has(name));
  if (strange.length > 0) {
    refuse(
      `Setting "kafkalab:availabilityZones": it must hold zones of the region ${region} ` +
        `(${list(names)}); got ${list(strange)}. Take some of these, or leave it out.`,
    );
  }
  for (const type of offerings.keys()) {
    const lacking = chosen.filter((zone) => !offerings.get(type)?.has(zone));
    if (lacking.length > 0) {
      const having = names.filter((zone) => offerings.get(type)?.has(zone));
      refuse(
        `Instance type "${type}": it must be offered in every zone that the lab uses ` +
          `(${list(chosen)}); got none in ${list(lacking)}. Take another type, or name zones that ` +
          `have it (${list(having)}) with kafkalab:availabilityZones before you create the lab.`,
      );
    }
  }
  return chosen.map((name) => ({ name, id: ids.get(name) ?? name }));
}

function instanceTypes(settings: Settings): string[] {
  const bastion = settings.topology === "private" ? [settings.bastionInstanceType] : [];
  const clients = settings.clients > 0 ? [settings.clientInstanceType] : [];
  const types = [
    settings.zookeeperInstanceType,
    settings.brokerInstanceType,
    ...bastion,
    ...clients,
  ];
  return [...new Set(types)];
}

/** Returns the zones that offer each type. */
async function findOfferings(
  types: string[],
  opts: pulumi.InvokeOptions,
): Promise<Map<string, Set<string>>> {
  const found = await getInstanceTypeOfferings(
    {
      locationType: "availability-zone",
      filters: [{ name: "instance-type", values: types }],
    },
    opts,
  );
  const zones = new Map(types.map((type) => [type, new Set<string>()]));
  found.instanceTypes.forEach((type, index) => {
    zones.get(type)?.add(found.locations[index] ?? "");
  });
  return zones;
}

const list = (names: string[]) => (names.length === 0 ? "none" : names.join(", "));

function refuse(message: string): never {
  throw new pulumi.ResourceError(message, undefined, true);
}
