import { isAddress } from "../../machine/addresses";
import { T } from "../../machine/model";
import { readState, type Record, type State } from "../../machine/store";
import { domainName, isDomainName } from "../check";
import { ApiError, type ResourceType } from "../resource";
import type { Values } from "../values";
import { having, mustExist, text } from "./common";
import { applyZone } from "./zone";

export const record: ResourceType = {
  token: T.record,
  name: "Route 53 Record",
  service: "Route 53",
  operations: { create: "ChangeResourceRecordSets", delete: "ChangeResourceRecordSets" },
  schema: {
    zoneId: { type: "string", required: true, replace: true },
    name: { type: "string", required: true, replace: true, check: domainName },
    type: { type: "string", required: true, replace: true, oneOf: ["A", "PTR", "CNAME"] },
    ttl: {
      type: "number",
      required: true,
      check: (ttl: number) =>
        Number.isInteger(ttl) && ttl >= 0 && ttl <= 2147483647
          ? undefined
          : "must be a whole number of seconds from 0 to 2147483647",
    },
    records: { type: "strings", required: true, unordered: true },
    allowOverwrite: { type: "boolean", computed: true },
  },
  newId: (inputs) =>
    `${text(inputs, "zoneId")}_${text(inputs, "name").toLowerCase()}_${text(inputs, "type")}`,

  refuse(inputs, state, _around, self) {
    const zone = mustExist(state, T.zone, inputs["zoneId"], "NoSuchHostedZone", "hosted zone");
    const [name, type] = [fqdn(inputs, state), text(inputs, "type")];
    const values = inputs["records"] as string[];
    const invalid = (why: string) => {
      throw new ApiError("InvalidChangeBatch", `[Invalid Resource Record: '${why}']`);
    };
    if (values.length === 0) invalid("FATAL problem: empty record set");
    const bad = values.find((value) => !(type === "A" ? isAddress(value) : isDomainName(value)));
    if (bad !== undefined) {
      const problem =
        type === "A"
          ? "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)"
          : "DomainNameIllegal (Value is not a valid domain name)";
      invalid(`FATAL problem: ${problem} encountered with '${bad}'`);
    }
    if (type === "PTR" && !/^(\d{1,3}\.){4}in-addr\.arpa$/.test(name)) {
      invalid(`the local cloud has PTR records of IPv4 addresses only, and '${name}' is none`);
    }
    if (type === "CNAME" && values.length > 1) {
      invalid("FATAL problem: MultipleCNAMEs (a CNAME has one value)");
    }
    const others = having(state, T.record, "zoneId", zone.id).filter(
      (r) => r.id !== self?.id && r.chosen["fqdn"] === name,
    );
    if (others.some((r) => r.inputs["type"] === type) && inputs["allowOverwrite"] !== true) {
      throw new ApiError(
        "InvalidChangeBatch",
        `[Tried to create resource record set [name='${name}.', type='${type}'] but it already exists]`,
      );
    }
    if (others.some((r) => (r.inputs["type"] === "CNAME") !== (type === "CNAME"))) {
      throw new ApiError(
        "InvalidChangeBatch",
        `[RRSet of type ${type} with DNS name ${name}. is not permitted as it conflicts with other records with the same DNS name in zone ${text(zone.inputs, "name")}.]`,
      );
    }
  },
  choose: (inputs, state) => ({ fqdn: fqdn(inputs, state) }),
  attributes: ({ chosen }) => ({ fqdn: chosen["fqdn"] }),

  apply: applyZoneOf,
  afterRemoval: applyZoneOf,
};

/** The record's name, with the zone's behind it unless it has that already. */
function fqdn(inputs: Values, state: State): string {
  const name = text(inputs, "name").replace(/\.$/, "").toLowerCase();
  const zone = text(state.records[text(inputs, "zoneId")]!.inputs, "name")
    .replace(/\.$/, "")
    .toLowerCase();
  if (name === "" || name === zone) return zone;
  return name.endsWith(`.${zone}`) ? name : `${name}.${zone}`;
}

async function applyZoneOf({ inputs }: Record): Promise<void> {
  const zone = readState().records[text(inputs, "zoneId")];
  if (zone) await applyZone(zone);
}
