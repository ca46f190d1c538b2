import { randomBytes } from "node:crypto";
import { T, zoneVpcs } from "../../machine/model";
import { applyVpc } from "../../machine/network";
import { readState, recordsOf, type Record } from "../../machine/store";
import { domainName } from "../check";
import { ApiError, type ResourceType } from "../resource";
import { having, mustBeVpc, text } from "./common";

/** Only private zones: nobody outside would ask the local cloud for a public one. */
export const zone: ResourceType = {
  token: T.zone,
  name: "Route 53 Hosted Zone",
  service: "Route 53",
  operations: { create: "CreateHostedZone", delete: "DeleteHostedZone" },
  schema: {
    name: { type: "string", required: true, replace: true, check: domainName },
    comment: { type: "string", default: "Managed by Pulumi" },
    forceDestroy: { type: "boolean", default: false },
    vpcs: {
      type: "objects",
      required: true,
      fields: {
        vpcId: { type: "string", required: true },
        vpcRegion: { type: "string", computed: true },
      },
    },
    tags: { type: "map" },
  },
  // The letters and digits of a hosted zone's id are upper case.
  newId: () =>
    `Z${BigInt(`0x${randomBytes(12).toString("hex")}`)
      .toString(36)
      .toUpperCase()
      .padStart(19, "0")
      .slice(0, 19)}`,

  refuse(inputs, state, _around, self) {
    for (const { vpcId } of inputs["vpcs"] as { vpcId: string }[]) {
      mustBeVpc(state, vpcId);
      const twin = recordsOf(state, T.zone).find(
        (z) =>
          z.id !== self?.id && z.inputs["name"] === inputs["name"] && zoneVpcs(z).includes(vpcId),
      );
      if (twin) {
        throw new ApiError(
          "ConflictingDomainExists",
          `The VPC ${vpcId} in region ap-northeast-2 has already been associated with the hosted zone ${twin.id} with the same domain name.`,
        );
      }
    }
  },
  attributes: ({ id, inputs }) => ({
    arn: `arn:aws:route53:::hostedzone/${id}`,
    name: text(inputs, "name").replace(/\.$/, ""),
    zoneId: id,
    delegationSetId: "",
    primaryNameServer: "ns-0.awsdns-00.com",
    nameServers: ["ns-0.awsdns-00.com.", "ns-512.awsdns-00.net.", "ns-1024.awsdns-00.org.", "ns-1536.awsdns-00.co.uk."],
    vpcs: zoneVpcs({ inputs } as Record).map((vpcId) => ({ vpcId, vpcRegion: "ap-northeast-2" })),
  }), // prettier-ignore

  apply: (record) => applyZone(record),
  async update(record, before) {
    await applyZone(before);
    await applyZone(record);
  },
  usedBy: ({ id, inputs }, state) =>
    inputs["forceDestroy"] === true ? [] : having(state, T.record, "zoneId", id),
  inUse: ({ id }) =>
    new ApiError(
      "HostedZoneNotEmpty",
      `The specified hosted zone contains non-required resource record sets and so cannot be deleted: ${id}.`,
    ),
  takesAlong: ({ id }, state) => having(state, T.record, "zoneId", id),
  afterRemoval: applyZone,
};

/** Tells every VPC of a zone about it. */
export async function applyZone(record: Record): Promise<void> {
  for (const vpcId of zoneVpcs(record)) if (readState().records[vpcId]) await applyVpc(vpcId);
}
