import { contains, overlaps, parseCidr } from "../../../host/addresses";
import { T } from "../../../host/model";
import { TAGS, zoneName } from "../check";
import { ec2Arn, newId, REGION, ZONES } from "../ids";
import { ApiError, type ResourceType } from "../resource";
import type { Values } from "../values";
import { applyVpcOf, block, having, mustBeVpc, owner, text } from "./common";

/** The availability zone of a subnet with these inputs. */
export function zoneOf(inputs: Values): string {
  const named = Object.keys(ZONES).find((zone) => ZONES[zone] === inputs["availabilityZoneId"]);
  return (inputs["availabilityZone"] as string | undefined) ?? named ?? `${REGION}a`;
}

export const subnet: ResourceType = {
  token: T.subnet,
  name: "EC2 Subnet",
  service: "EC2",
  operations: { create: "CreateSubnet", delete: "DeleteSubnet" },
  schema: {
    vpcId: { type: "string", required: true, replace: true },
    cidrBlock: { type: "string", required: true, replace: true, ...block(16, 28) },
    availabilityZone: { ...zoneName, computed: true, replace: true },
    availabilityZoneId: {
      type: "string",
      computed: true,
      replace: true,
      oneOf: Object.values(ZONES),
    },
    mapPublicIpOnLaunch: { type: "boolean", default: false },
    ...TAGS,
  },
  checkTogether(inputs) {
    if (inputs["availabilityZone"] === undefined || inputs["availabilityZoneId"] === undefined)
      return [];
    return [{ property: "availabilityZone", reason: "conflicts with availabilityZoneId" }];
  },
  newId: () => newId("subnet"),

  refuse(inputs, state, _around, self) {
    const vpc = mustBeVpc(state, inputs["vpcId"]);
    const cidr = text(inputs, "cidrBlock");
    if (!contains(text(vpc.inputs, "cidrBlock"), cidr)) {
      throw new ApiError("InvalidSubnet.Range", `The CIDR '${cidr}' is invalid.`);
    }
    const clash = having(state, T.subnet, "vpcId", vpc.id).find(
      (other) => other.id !== self?.id && overlaps(text(other.inputs, "cidrBlock"), cidr),
    );
    if (clash) {
      throw new ApiError(
        "InvalidSubnet.Conflict",
        `The CIDR '${cidr}' conflicts with another subnet`,
      );
    }
  },
  attributes: ({ id, inputs }, state) => {
    const zone = zoneOf(inputs);
    const used = having(state, T.instance, "subnetId", id).length;
    return {
      ...owner,
      arn: ec2Arn("subnet", id),
      availabilityZone: zone,
      availabilityZoneId: ZONES[zone],
      // EC2 keeps the first four and the last address of every subnet.
      availableIpAddressCount: parseCidr(text(inputs, "cidrBlock")).size - 5 - used,
    };
  },

  apply: applyVpcOf,
  usedBy: ({ id }, state) => having(state, T.instance, "subnetId", id),
  takesAlong: ({ id }, state) => having(state, T.routeTableAssociation, "subnetId", id),
  inUse: ({ id }) =>
    new ApiError(
      "DependencyViolation",
      `The subnet '${id}' has dependencies and cannot be deleted.`,
    ),
  afterRemoval: applyVpcOf,
};
