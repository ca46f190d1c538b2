import { readState, recordsOf } from "../../machine/store";
import { T } from "../../machine/model";
import { REGION } from "../ids";
import { ApiError } from "../resource";
import { instance } from "../resources/instance";
import type { Values } from "../values";

const ARGUMENTS = ["instanceTags", "instanceStateNames", "region"];

/** The instances that have these tags and are in one of these states: `running` alone by default. */
export function getInstances(args: Values): Values {
  const foreign = Object.keys(args).filter((name) => !ARGUMENTS.includes(name));
  if (foreign.length) {
    throw new ApiError(
      "InvalidParameterCombination",
      `the local cloud finds instances by ${ARGUMENTS.join(", ")}; got ${foreign.join(", ")}`,
    );
  }
  const tags = Object.entries((args["instanceTags"] ?? {}) as Values);
  const states = (args["instanceStateNames"] ?? ["running"]) as unknown[];
  const state = readState();
  const found = recordsOf(state, T.instance)
    .filter(({ inputs, leaving }) => {
      const own = (inputs["tags"] ?? {}) as Values;
      return !leaving && tags.every(([name, value]) => own[name] === value);
    })
    .map((record): Values => ({ id: record.id, ...instance.attributes(record, state) }))
    .filter((attributes) => states.includes(attributes["instanceState"]));
  return {
    ...args,
    id: REGION,
    region: REGION,
    instanceTags: args["instanceTags"] ?? {},
    ids: found.map(({ id }) => id),
    privateIps: found.map(({ privateIp }) => privateIp),
    publicIps: found.map(({ publicIp }) => publicIp).filter((address) => address !== ""),
    ipv6Addresses: [],
  };
}
