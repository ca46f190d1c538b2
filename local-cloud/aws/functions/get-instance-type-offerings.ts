import { REGION, ZONES } from "../ids";
import { architectureOf } from "../instance-types";
import { ApiError } from "../resource";
import type { Values } from "../values";

/** The places of each kind; every one of them has every type. */
const LOCATIONS: Readonly<{ [locationType: string]: readonly string[] }> = {
  region: [REGION],
  "availability-zone": Object.keys(ZONES),
  "availability-zone-id": Object.values(ZONES),
};

/** Which types are offered where: a pair for each. Only by the filters `instance-type`, `location`. */
export function getInstanceTypeOfferings(args: Values): Values {
  const locationType = (args["locationType"] ?? "region") as string;
  const filters = (args["filters"] ?? []) as { name: string; values: string[] }[];
  const strange = filters.find(({ name }) => !["instance-type", "location"].includes(name));
  const wanted = (name: string) => filters.find((filter) => filter.name === name)?.values;
  const types = wanted("instance-type");
  if (strange || types === undefined || LOCATIONS[locationType] === undefined) {
    throw new ApiError(
      "InvalidParameterValue",
      `the local cloud lists offerings of given types, in a region or in zones; got ${JSON.stringify(args)}`,
    );
  }
  const places = LOCATIONS[locationType].filter((p) => wanted("location")?.includes(p) ?? true);
  const pairs = types
    .filter((type) => architectureOf(type) !== undefined)
    .flatMap((type) => places.map((place) => ({ type, place })));
  return {
    ...args,
    id: REGION,
    region: REGION,
    instanceTypes: pairs.map(({ type }) => type),
    locations: pairs.map(({ place }) => place),
    locationTypes: pairs.map(() => locationType),
  };
}
