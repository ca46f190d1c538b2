import * as z from "zod";
import { ApiError } from "../api-error";
import { REGION, ZONES } from "../ids";
import { architectureOf } from "../instance-types";
import { FILTERS } from "./filters";
import { lookup } from "./lookup";

/** The locations of each kind. All of them offer every type. */
const LOCATIONS: Readonly<{ [locationType: string]: readonly string[] }> = {
  region: [REGION],
  "availability-zone": Object.keys(ZONES),
  "availability-zone-id": Object.values(ZONES),
};

const ARGUMENTS = z.looseObject({
  locationType: z.string().optional(),
  filters: FILTERS.optional(),
});

/** Returns pairs of type and location. Supports only the filters `instance-type` and `location`. */
export const getInstanceTypeOfferings = lookup(ARGUMENTS, (args) => {
  const { locationType = "region", filters = [] } = args;
  const strange = filters.find(({ name }) => !["instance-type", "location"].includes(name));
  const wanted = (name: string) => filters.find((filter) => filter.name === name)?.values;
  const types = wanted("instance-type");
  const places = LOCATIONS[locationType];
  if (strange || types === undefined || places === undefined) {
    throw new ApiError(
      "InvalidParameterValue",
      `the local cloud lists offerings of given types, in a region or in zones; got ${JSON.stringify(args)}`,
    );
  }
  const pairs = types
    .filter((type) => architectureOf(type) !== undefined)
    .flatMap((type) =>
      places
        .filter((place) => wanted("location")?.includes(place) ?? true)
        .map((place) => ({ type, place })),
    );
  return {
    ...args,
    id: REGION,
    region: REGION,
    instanceTypes: pairs.map(({ type }) => type),
    locations: pairs.map(({ place }) => place),
    locationTypes: pairs.map(() => locationType),
  };
});
