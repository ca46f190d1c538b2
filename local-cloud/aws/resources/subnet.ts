import { contains, overlaps, parseCidr } from "../../machine/addresses";
import { ApiError } from "../api-error";
import { ec2Arn, newId, ZONES } from "../ids";
import * as kinds from "../kinds";
import { applyVpcOf } from "../network";
import { having, mustExist } from "../records";
import { resourceType } from "../resource";
import { addressUsers, zoneOf } from "../subnet-addresses";
import { hasDependencies, owner } from "./common";

/** EC2 reserves the first four addresses and the last address of every subnet. */
const RESERVED = 5;

export const subnet = resourceType(kinds.subnet, {
  name: "EC2 Subnet",
  service: "EC2",
  operations: { create: "CreateSubnet", delete: "DeleteSubnet" },
  checkTogether({ availabilityZone, availabilityZoneId }) {
    return availabilityZone === undefined || availabilityZoneId === undefined
      ? []
      : [{ property: "availabilityZone", reason: "conflicts with availabilityZoneId" }];
  },
  newId: () => newId("subnet"),

  refuse({ vpcId, cidrBlock: cidr }, state, _around, self) {
    const vpc = mustExist(state, kinds.vpc, vpcId);
    if (!contains(vpc.inputs.cidrBlock, cidr)) {
      throw new ApiError("InvalidSubnet.Range", `The CIDR '${cidr}' is invalid.`);
    }
    const clash = having(state, kinds.subnet, "vpcId", vpc.id).find(
      (other) => other.id !== self?.id && overlaps(other.inputs.cidrBlock, cidr),
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
    return {
      ...owner,
      arn: ec2Arn("subnet", id),
      availabilityZone: zone,
      availabilityZoneId: ZONES[zone],
      availableIpAddressCount:
        parseCidr(inputs.cidrBlock).size - RESERVED - addressUsers(state, id).length,
    };
  },

  apply: applyVpcOf,
  usedBy: ({ id }, state) => addressUsers(state, id),
  takesAlong: ({ id }, state) => having(state, kinds.routeTableAssociation, "subnetId", id),
  inUse: ({ id }) => hasDependencies("subnet", id),
  afterRemoval: applyVpcOf,
});
