import { T } from "../../machine/model";
import { IN_REGION } from "../check";
import { newId } from "../ids";
import { ApiError, type ResourceType } from "../resource";
import { applyVpcBehind, having, mustExist } from "./common";

export const routeTableAssociation: ResourceType = {
  token: T.routeTableAssociation,
  name: "EC2 Route Table Association",
  service: "EC2",
  operations: { create: "AssociateRouteTable", delete: "DisassociateRouteTable" },
  schema: {
    subnetId: { type: "string", required: true, replace: true },
    routeTableId: { type: "string", required: true },
    ...IN_REGION,
  },
  newId: () => newId("rtbassoc"),

  refuse(inputs, state, _around, self) {
    const table = mustExist(
      state, T.routeTable, inputs["routeTableId"], "InvalidRouteTableID.NotFound", "routeTable ID",
    ); // prettier-ignore
    const subnet = mustExist(
      state, T.subnet, inputs["subnetId"], "InvalidSubnetID.NotFound", "subnet ID",
    ); // prettier-ignore
    if (subnet.inputs["vpcId"] !== table.inputs["vpcId"]) {
      throw new ApiError(
        "InvalidParameterValue",
        `Route table ${table.id} and subnet ${subnet.id} belong to different networks`,
      );
    }
    const other = having(state, T.routeTableAssociation, "subnetId", subnet.id).find(
      (a) => a.id !== self?.id,
    );
    if (other) {
      throw new ApiError(
        "Resource.AlreadyAssociated",
        `the specified association for route table ${table.id} conflicts with an existing association`,
      );
    }
  },
  attributes: () => ({}),

  apply: ({ inputs }) => applyVpcBehind(inputs["subnetId"]),
  afterRemoval: ({ inputs }) => applyVpcBehind(inputs["subnetId"]),
};
