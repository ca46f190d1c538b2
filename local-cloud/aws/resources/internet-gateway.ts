import { ApiError } from "../api-error";
import { ec2Arn, newId } from "../ids";
import * as kinds from "../kinds";
import { applyVpc, applyVpcOf } from "../network";
import { having, mustExist } from "../records";
import { resourceType } from "../resource";
import { publicIpOf } from "../vpc-model";
import { owner } from "./common";

export const internetGateway = resourceType(kinds.internetGateway, {
  name: "EC2 Internet Gateway",
  service: "EC2",
  operations: { create: "AttachInternetGateway", delete: "DetachInternetGateway" },
  newId: () => newId("igw"),

  refuse({ vpcId }, state, _around, self) {
    if (vpcId === undefined) {
      return;
    }
    const vpc = mustExist(state, kinds.vpc, vpcId);
    if (having(state, kinds.internetGateway, "vpcId", vpc.id).some(({ id }) => id !== self?.id)) {
      throw new ApiError(
        "Resource.AlreadyAssociated",
        `resource ${vpc.id} is already attached to an internet gateway`,
      );
    }
  },
  attributes: ({ id }) => ({ ...owner, arn: ec2Arn("internet-gateway", id) }),

  apply: applyVpcOf,
  async update(record, before) {
    for (const vpcId of new Set([before.inputs.vpcId, record.inputs.vpcId])) {
      if (vpcId !== undefined) {
        await applyVpc(vpcId);
      }
    }
  },
  usedBy: ({ inputs: { vpcId } }, state) =>
    vpcId === undefined
      ? []
      : having(state, kinds.subnet, "vpcId", vpcId).flatMap(({ id }) => [
          ...having(state, kinds.instance, "subnetId", id).filter(
            (instance) => publicIpOf(instance) !== undefined,
          ),
          ...having(state, kinds.natGateway, "subnetId", id),
        ]),
  inUse: ({ inputs }) =>
    new ApiError(
      "DependencyViolation",
      `Network ${inputs.vpcId} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.`,
    ),
  afterRemoval: applyVpcOf,
});
