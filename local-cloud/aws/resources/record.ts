import { isAddress } from "../../machine/addresses";
import type { State } from "../../machine/store";
import { ApiError } from "../api-error";
import type { InputsOf, RecordOf } from "../kind";
import * as kinds from "../kinds";
import { applyVpcs } from "../network";
import { findNow, having, mustExist } from "../records";
import { isDomainName } from "../properties";
import { resourceType } from "../resource";
import { zoneVpcs } from "../vpc-model";

type Inputs = InputsOf<typeof kinds.record>;
type DnsRecord = RecordOf<typeof kinds.record>;
type Zone = RecordOf<typeof kinds.zone>;

export const record = resourceType(kinds.record, {
  name: "Route 53 Record",
  service: "Route 53",
  operations: { create: "ChangeResourceRecordSets", delete: "ChangeResourceRecordSets" },
  newId: ({ zoneId, name, type }) => `${zoneId}_${name.toLowerCase()}_${type}`,

  refuse(inputs, state, _around, self) {
    const zone = mustExist(state, kinds.zone, inputs.zoneId);
    const name = fqdn(inputs, zone);
    refuseValues(inputs, name);
    const others = having(state, kinds.record, "zoneId", zone.id).filter(
      (other) => other.id !== self?.id && other.chosen.fqdn === name,
    );
    refuseClash(inputs, name, zone, others);
  },
  choose: (inputs, state) => ({ fqdn: fqdn(inputs, zoneOf(inputs, state)) }),
  attributes: ({ chosen }) => ({ fqdn: chosen.fqdn }),

  apply: applyZoneOf,
  afterRemoval: applyZoneOf,
});

const zoneOf = ({ zoneId }: Inputs, state: State) => mustExist(state, kinds.zone, zoneId);

/** Throws if Route 53 rejects the values for the type of the record. */
function refuseValues({ type, records: values }: Inputs, name: string): void {
  const invalid = (why: string) =>
    new ApiError("InvalidChangeBatch", `[Invalid Resource Record: '${why}']`);
  if (values.length === 0) {
    throw invalid("FATAL problem: empty record set");
  }
  const bad = values.find((value) => !(type === "A" ? isAddress(value) : isDomainName(value)));
  if (bad !== undefined) {
    const problem =
      type === "A"
        ? "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)"
        : "DomainNameIllegal (Value is not a valid domain name)";
    throw invalid(`FATAL problem: ${problem} encountered with '${bad}'`);
  }
  if (type === "PTR" && !/^(\d{1,3}\.){4}in-addr\.arpa$/.test(name)) {
    throw invalid(`the local cloud supports PTR records only for IPv4 addresses; got '${name}'`);
  }
  if (type === "CNAME" && values.length > 1) {
    throw invalid("FATAL problem: MultipleCNAMEs (a CNAME has one value)");
  }
}

/** Throws if the record conflicts with another record of the same name. */
function refuseClash(
  { type, allowOverwrite }: Inputs,
  name: string,
  zone: Zone,
  others: DnsRecord[],
): void {
  if (others.some(({ inputs }) => inputs.type === type) && allowOverwrite !== true) {
    throw new ApiError(
      "InvalidChangeBatch",
      `[Tried to create resource record set [name='${name}.', type='${type}'] but it already exists]`,
    );
  }
  if (others.some(({ inputs }) => (inputs.type === "CNAME") !== (type === "CNAME"))) {
    throw new ApiError(
      "InvalidChangeBatch",
      `[RRSet of type ${type} with DNS name ${name}. is not permitted as it conflicts with other records with the same DNS name in zone ${zone.inputs.name}.]`,
    );
  }
}

/** The record's full name: Route 53 adds the zone's name unless the name ends with it. */
function fqdn(inputs: Inputs, { inputs: { name: zoneName } }: Zone): string {
  const [name, zone] = [bare(inputs.name), bare(zoneName)];
  if (name === "" || name === zone) {
    return zone;
  }
  return name.endsWith(`.${zone}`) ? name : `${name}.${zone}`;
}

const bare = (name: string) => name.replace(/\.$/, "").toLowerCase();

async function applyZoneOf({ inputs }: DnsRecord): Promise<void> {
  const zone = findNow(kinds.zone, inputs.zoneId);
  if (zone) {
    await applyVpcs(zoneVpcs(zone));
  }
}
