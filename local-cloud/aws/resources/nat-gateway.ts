import { ApiError } from "../api-error";
import { newId } from "../ids";
import * as kinds from "../kinds";
import { applyVpcOfSubnet } from "../network";
import { find, having, mustExist } from "../records";
import { resourceType } from "../resource";
import { privateAddress } from "../subnet-addresses";

/** A public, zonal NAT gateway. Hosts with a route to it can reach the internet. */
export const natGateway = resourceType(kinds.natGateway, {
  name: "EC2 NAT Gateway",
  service: "EC2",
  operations: { create: "CreateNatGateway", delete: "DeleteNatGateway" },
  newId: () => newId("nat"),

  refuse(inputs, state, _around, self) {
    if (self) {
      return;
    }
    if (inputs.allocationId === undefined) {
      throw new ApiError(
        "MissingParameter",
        "The request must include the AllocationId parameter. Add the required parameter and retry the request.",
      );
    }
    const subnet = mustExist(state, kinds.subnet, inputs.subnetId);
    const eip = mustExist(state, kinds.eip, inputs.allocationId);
    const users = [
      ...having(state, kinds.natGateway, "allocationId", eip.id),
      ...having(state, kinds.eipAssociation, "allocationId", eip.id),
    ];
    if (users.length > 0) {
      throw new ApiError(
        "Resource.AlreadyAssociated",
        `Elastic IP address [${eip.id}] is already associated`,
      );
    }
    const { vpcId } = subnet.inputs;
    if (having(state, kinds.internetGateway, "vpcId", vpcId).length === 0) {
      throw new ApiError(
        "Gateway.NotAttached",
        `Network ${vpcId} has no Internet gateway attached`,
      );
    }
    privateAddress(inputs.privateIp, subnet, state);
  },
  choose: (inputs, state) => ({
    privateIp: privateAddress(
      inputs.privateIp,
      mustExist(state, kinds.subnet, inputs.subnetId),
      state,
    ),
    networkInterfaceId: newId("eni"),
  }),
  attributes({ inputs, chosen }, state) {
    const eip = find(state, kinds.eip, inputs.allocationId);
    const subnet = find(state, kinds.subnet, inputs.subnetId);
    return {
      associationId: eip ? eip.chosen.associationId : "",
      availabilityMode: "zonal",
      networkInterfaceId: chosen.networkInterfaceId,
      privateIp: chosen.privateIp,
      publicIp: eip ? eip.chosen.publicIp : "",
      secondaryAllocationIds: [],
      secondaryPrivateIpAddressCount: 0,
      secondaryPrivateIpAddresses: [],
      vpcId: subnet ? subnet.inputs.vpcId : "",
    };
  },

  // A new gateway has no routes yet. A removed gateway leaves routes without a target.
  afterRemoval: ({ inputs }) => applyVpcOfSubnet(inputs.subnetId),
});
