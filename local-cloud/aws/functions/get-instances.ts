import * as z from "zod";
import { readState } from "../../machine/store";
import { ApiError } from "../api-error";
import { REGION } from "../ids";
import * as kinds from "../kinds";
import { living } from "../records";
import { attributesOf } from "../resources/instance";
import { lookup } from "./lookup";

const ARGUMENTS = z.looseObject({
  instanceTags: z.record(z.string(), z.string()).optional(),
  instanceStateNames: z.array(z.string()).optional(),
  region: z.string().optional(),
});

/** Returns the instances that have these tags and are in one of these states. @default state `running` */
export const getInstances = lookup(ARGUMENTS, (args) => {
  const { instanceTags = {}, instanceStateNames = ["running"] } = args;
  const foreign = Object.keys(args).filter((name) => !Object.hasOwn(ARGUMENTS.shape, name));
  if (foreign.length > 0) {
    throw new ApiError(
      "InvalidParameterCombination",
      `the local cloud finds instances by ${Object.keys(ARGUMENTS.shape).join(", ")}; got ${foreign.join(", ")}`,
    );
  }
  const tags = Object.entries(instanceTags);
  const state = readState();
  const found = living(state, kinds.instance)
    .filter(({ inputs }) => tags.every(([name, value]) => inputs.tags?.[name] === value))
    .map((record) => ({ id: record.id, ...attributesOf(record, state) }))
    .filter(({ instanceState }) => instanceStateNames.includes(instanceState));
  return {
    ...args,
    id: REGION,
    region: REGION,
    instanceTags,
    ids: found.map(({ id }) => id),
    privateIps: found.map(({ privateIp }) => privateIp),
    publicIps: found.map(({ publicIp }) => publicIp).filter((address) => address !== ""),
    ipv6Addresses: [],
  };
});
