import type { State, StoredResource } from "../../machine/store";
import { ApiError } from "../api-error";
import { ec2Arn, newId } from "../ids";
import type { RecordOf } from "../kind";
import * as kinds from "../kinds";
import { applyVpc, applyVpcOf } from "../network";
import { having, mustExist } from "../records";
import { resourceType } from "../resource";
import { automaticIpOf } from "../vpc-model";
import { owner } from "./common";

type Gateway = RecordOf<typeof kinds.internetGateway>;

export const internetGateway = resourceType(kinds.internetGateway, {
  name: "EC2 Internet Gateway",
  service: "EC2",
  operations: { create: "AttachInternetGateway", delete: "DetachInternetGateway" },
  newId: () => newId("igw"),

  refuse({ vpcId }, state, _around, self) {
    if (self && self.inputs.vpcId !== vpcId && mappedAddresses(self, state).length > 0) {
      throw addressesAreMapped(self);
    }
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
  usedBy: mappedAddresses,
  inUse: addressesAreMapped,
  afterRemoval: applyVpcOf,
});

/** The resources of the gateway's VPC that have a public address. */
function mappedAddresses({ inputs: { vpcId } }: Gateway, state: State): StoredResource[] {
  if (vpcId === undefined) {
    return [];
  }
  return having(state, kinds.subnet, "vpcId", vpcId).flatMap(({ id }) => [
    ...having(state, kinds.instance, "subnetId", id).flatMap((instance): StoredResource[] => {
      const elastic = having(state, kinds.eipAssociation, "instanceId", instance.id);
      const isPublic = automaticIpOf(instance) !== undefined;
      return elastic.length === 0 && isPublic ? [instance] : elastic;
    }),
    ...having(state, kinds.natGateway, "subnetId", id),
  ]);
}

function addressesAreMapped({ inputs }: Gateway): ApiError {
  return new ApiError(
    "DependencyViolation",
    `Network ${inputs.vpcId} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.`,
  );
}
