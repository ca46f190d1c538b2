import { ApiError } from "../api-error";
import { newId } from "../ids";
import * as kinds from "../kinds";
import { applyVpcOfSubnet } from "../network";
import { having, mustExist } from "../records";
import { resourceType } from "../resource";

export const routeTableAssociation = resourceType(kinds.routeTableAssociation, {
  name: "EC2 Route Table Association",
  service: "EC2",
  operations: { create: "AssociateRouteTable", delete: "DisassociateRouteTable" },
  newId: () => newId("rtbassoc"),

  refuse({ routeTableId, subnetId }, state, _around, self) {
    const table = mustExist(state, kinds.routeTable, routeTableId);
    const subnet = mustExist(state, kinds.subnet, subnetId);
    if (subnet.inputs.vpcId !== table.inputs.vpcId) {
      throw new ApiError(
        "InvalidParameterValue",
        `Route table ${table.id} and subnet ${subnet.id} belong to different networks`,
      );
    }
    const others = having(state, kinds.routeTableAssociation, "subnetId", subnet.id);
    if (others.some(({ id }) => id !== self?.id)) {
      throw new ApiError(
        "Resource.AlreadyAssociated",
        `the specified association for route table ${table.id} conflicts with an existing association`,
      );
    }
  },
  attributes: () => ({}),

  apply: ({ inputs }) => applyVpcOfSubnet(inputs.subnetId),
  afterRemoval: ({ inputs }) => applyVpcOfSubnet(inputs.subnetId),
});
