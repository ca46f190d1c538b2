import type { State } from "../../machine/store";
import { ApiError } from "../api-error";
import { newId } from "../ids";
import type { InputsOf } from "../kind";
import * as kinds from "../kinds";
import { applyVpcs } from "../network";
import { publicAddress } from "../power";
import { find, findNow, having, mustExist } from "../records";
import { resourceType } from "../resource";

type Inputs = InputsOf<typeof kinds.eipAssociation>;

/** The connection of an elastic address to an instance. */
export const eipAssociation = resourceType(kinds.eipAssociation, {
  name: "EC2 EIP Association",
  service: "EC2",
  operations: { create: "AssociateAddress", delete: "DisassociateAddress" },
  newId: () => newId("eipassoc"),

  refuse(inputs, state, _around, self) {
    if (self) {
      return;
    }
    refuseAddress(inputs, state);
    const instance = mustExist(state, kinds.instance, inputs.instanceId);
    const { vpcId } = mustExist(state, kinds.subnet, instance.inputs.subnetId).inputs;
    if (having(state, kinds.internetGateway, "vpcId", vpcId).length === 0) {
      throw new ApiError(
        "Gateway.NotAttached",
        `Network ${vpcId} is not attached to any internet gateway`,
      );
    }
  },
  choose: (inputs, state) => ({
    formerInstanceIds: having(state, kinds.eipAssociation, "allocationId", inputs.allocationId).map(
      (former) => former.inputs.instanceId,
    ),
  }),
  // The address has one instance, and the instance has one elastic address and no automatic one.
  displace({ inputs: { allocationId, instanceId } }, state) {
    const former = [
      ...having(state, kinds.eipAssociation, "allocationId", allocationId),
      ...having(state, kinds.eipAssociation, "instanceId", instanceId),
    ];
    for (const { id } of former) {
      delete state.records[id];
    }
    const instance = find(state, kinds.instance, instanceId);
    const subnet = find(state, kinds.subnet, instance?.inputs.subnetId);
    const released = instance?.chosen.publicIp;
    if (instance && subnet && released !== undefined) {
      // When the elastic address goes, the instance gets a new automatic address. Choosing it now makes the
      // end of the association one step.
      instance.chosen.publicIp = publicAddress(subnet, state, released);
    }
  },
  attributes({ inputs }, state) {
    const eip = find(state, kinds.eip, inputs.allocationId);
    const instance = find(state, kinds.instance, inputs.instanceId);
    return {
      networkInterfaceId: instance ? instance.chosen.networkInterfaceId : "",
      privateIpAddress: instance ? instance.chosen.privateIp : "",
      publicIp: eip ? eip.chosen.publicIp : "",
    };
  },

  apply: ({ inputs, chosen }) =>
    applyVpcs(vpcsOf([...chosen.formerInstanceIds, inputs.instanceId])),
  afterRemoval: ({ inputs }) => applyVpcs(vpcsOf([inputs.instanceId])),
});

/** Throws AWS's error if the address cannot be associated with the instance. */
function refuseAddress(inputs: Inputs, state: State): void {
  const { allocationId, instanceId, allowReassociation } = inputs;
  const eip = find(state, kinds.eip, allocationId);
  if (!eip || eip.leaving) {
    throw new ApiError(
      "InvalidAllocationID.NotFound",
      `The allocation ID '${allocationId}' does not exist`,
    );
  }
  if (having(state, kinds.natGateway, "allocationId", allocationId).length > 0) {
    throw new ApiError(
      "AuthFailure",
      "You do not have permission to access the specified resource.",
    );
  }
  const [other] = having(state, kinds.eipAssociation, "allocationId", allocationId);
  // By default EC2 moves the address.
  if (other && other.inputs.instanceId !== instanceId && allowReassociation === false) {
    throw new ApiError(
      "Resource.AlreadyAssociated",
      `resource ${allocationId} is already associated with associate-id ${other.id}`,
    );
  }
}

/** The VPCs of the instances that still exist. */
function vpcsOf(instanceIds: string[]): string[] {
  const subnets = instanceIds.flatMap((id) => {
    const instance = findNow(kinds.instance, id);
    return findNow(kinds.subnet, instance?.inputs.subnetId) ?? [];
  });
  return [...new Set(subnets.map(({ inputs }) => inputs.vpcId))];
}
