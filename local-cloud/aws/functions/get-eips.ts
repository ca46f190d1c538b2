import * as z from "zod";
import { readState, type State } from "../../machine/store";
import { ApiError } from "../api-error";
import { REGION } from "../ids";
import type { RecordOf } from "../kind";
import * as kinds from "../kinds";
import { living } from "../records";
import { eip } from "../resources/eip";
import { FILTERS, matches } from "./filters";
import { lookup } from "./lookup";

/** EC2's filters, and the properties that they read. `tag-key` and `tag:KEY` read the tags. */
const PROPERTIES: Readonly<{ [filter: string]: string }> = {
  "allocation-id": "allocationId",
  "association-id": "associationId",
  "instance-id": "instance",
  "network-border-group": "networkBorderGroup",
  "network-interface-id": "networkInterface",
  "private-ip-address": "privateIp",
  "public-ip": "publicIp",
};

const ARGUMENTS = z.strictObject({
  filters: FILTERS.optional(),
  region: z.enum([REGION]).optional(),
  tags: z.record(z.string(), z.string()).optional(),
});

/** Returns the elastic addresses that match all filters and have all tags. */
export const getEips = lookup(ARGUMENTS, (args) => {
  const strange = args.filters?.find(({ name }) => !isKnown(name));
  if (strange) {
    throw new ApiError("InvalidParameterValue", `The filter '${strange.name}' is invalid`);
  }
  const state = readState();
  const tagFilters = Object.entries(args.tags ?? {}).map(([key, value]) => ({
    name: `tag:${key}`,
    values: [value],
  }));
  const found = [...tagFilters, ...(args.filters ?? [])].reduce(
    (left, { name, values }) =>
      left.filter((record) =>
        valuesOf(name, record, state).some((value) =>
          values.some((pattern) => matches(pattern, value)),
        ),
      ),
    living(state, kinds.eip),
  );
  return {
    ...args,
    id: REGION,
    region: REGION,
    allocationIds: found.map(({ id }) => id),
    publicIps: found.map(({ chosen }) => chosen.publicIp),
  };
});

const isKnown = (filter: string) =>
  filter === "tag-key" || filter.startsWith("tag:") || Object.hasOwn(PROPERTIES, filter);

/** The values of an address for a filter that is known. */
function valuesOf(filter: string, record: RecordOf<typeof kinds.eip>, state: State): string[] {
  const tags = record.inputs.tags ?? {};
  if (filter === "tag-key") {
    return Object.keys(tags);
  }
  if (filter.startsWith("tag:")) {
    const value = tags[filter.slice("tag:".length)];
    return value === undefined ? [] : [value];
  }
  const property = PROPERTIES[filter];
  const value = property && eip.attributes(record, state)[property];
  return typeof value === "string" && value !== "" ? [value] : [];
}
