import { randomBytes } from "node:crypto";
import { ApiError } from "../api-error";
import { REGION } from "../ids";
import * as kinds from "../kinds";
import { applyVpcs } from "../network";
import { having, mustExist, recordsOf } from "../records";
import { resourceType } from "../resource";
import { zoneVpcs } from "../vpc-model";

/** The number of characters in a hosted zone's id: upper-case letters and digits, as on Route 53. */
const ID_LENGTH = 19;

/** Only private zones: no resolver outside would ask the local cloud for a public zone. */
export const zone = resourceType(kinds.zone, {
  name: "Route 53 Hosted Zone",
  service: "Route 53",
  operations: { create: "CreateHostedZone", delete: "DeleteHostedZone" },
  newId() {
    const digits = BigInt(`0x${randomBytes(12).toString("hex")}`)
      .toString(36)
      .toUpperCase();
    return `Z${digits.padStart(ID_LENGTH, "0").slice(0, ID_LENGTH)}`;
  },

  refuse({ name, vpcs }, state, _around, self) {
    for (const { vpcId } of vpcs) {
      mustExist(state, kinds.vpc, vpcId);
      const twin = recordsOf(state, kinds.zone).find(
        (other) =>
          other.id !== self?.id && other.inputs.name === name && zoneVpcs(other).includes(vpcId),
      );
      if (twin) {
        throw new ApiError(
          "ConflictingDomainExists",
          `The VPC ${vpcId} in region ${REGION} has already been associated with the hosted zone ${twin.id} with the same domain name.`,
        );
      }
    }
  },
  attributes: ({ id, inputs }) => ({
    arn: `arn:aws:route53:::hostedzone/${id}`,
    name: inputs.name.replace(/\.$/, ""),
    zoneId: id,
    delegationSetId: "",
    primaryNameServer: "ns-0.awsdns-00.com",
    nameServers: ["ns-0.awsdns-00.com.", "ns-512.awsdns-00.net.", "ns-1024.awsdns-00.org.", "ns-1536.awsdns-00.co.uk."],
    vpcs: zoneVpcs({ inputs }).map((vpcId) => ({ vpcId, vpcRegion: REGION })),
  }), // prettier-ignore

  apply: (record) => applyVpcs(zoneVpcs(record)),
  update: (record, before) => applyVpcs([...zoneVpcs(before), ...zoneVpcs(record)]),
  usedBy: ({ id, inputs }, state) =>
    inputs.forceDestroy === true ? [] : having(state, kinds.record, "zoneId", id),
  inUse: ({ id }) =>
    new ApiError(
      "HostedZoneNotEmpty",
      `The specified hosted zone contains non-required resource record sets and so cannot be deleted: ${id}.`,
    ),
  takesAlong: ({ id }, state) => having(state, kinds.record, "zoneId", id),
  afterRemoval: (record) => applyVpcs(zoneVpcs(record)),
});
