import { isAddress } from "../../machine/addresses";
import { T } from "../../machine/model";
import { TAGS } from "../check";
import { newId } from "../ids";
import { ApiError, type ResourceType } from "../resource";
import { applyVpcBehind, having, mustExist, text } from "./common";
import { privateAddress } from "./subnet";

/** A public, zonal one: it lets out who has a route to it. */
export const natGateway: ResourceType = {
  token: T.natGateway,
  name: "EC2 NAT Gateway",
  service: "EC2",
  operations: { create: "CreateNatGateway", delete: "DeleteNatGateway" },
  schema: {
    allocationId: { type: "string", replace: true },
    availabilityMode: { type: "string", computed: true, replace: true, oneOf: ["zonal"] },
    connectivityType: { type: "string", default: "public", replace: true, oneOf: ["public"] },
    privateIp: {
      type: "string",
      computed: true,
      replace: true,
      check: (a: string) => (isAddress(a) ? undefined : "must be an IPv4 address"),
    },
    subnetId: { type: "string", required: true, replace: true },
    ...TAGS,
  },
  newId: () => newId("nat"),

  refuse(inputs, state, _around, self) {
    if (self) return;
    if (inputs["allocationId"] === undefined) {
      throw new ApiError(
        "MissingParameter",
        "The request must include the AllocationId parameter. Add the required parameter and retry the request.",
      );
    }
    const subnet = mustExist(
      state, T.subnet, inputs["subnetId"], "InvalidSubnetID.NotFound", "subnet ID",
    ); // prettier-ignore
    const eip = mustExist(
      state, T.eip, inputs["allocationId"], "InvalidElasticIpID.NotFound", "elastic-ip ID",
    ); // prettier-ignore
    if (having(state, T.natGateway, "allocationId", eip.id).length > 0) {
      throw new ApiError(
        "Resource.AlreadyAssociated",
        `Elastic IP address [${eip.id}] is already associated`,
      );
    }
    const vpcId = text(subnet.inputs, "vpcId");
    if (having(state, T.internetGateway, "vpcId", vpcId).length === 0) {
      throw new ApiError(
        "Gateway.NotAttached",
        `Network ${vpcId} has no Internet gateway attached`,
      );
    }
    privateAddress(inputs, subnet, state);
  },
  choose: (inputs, state) => ({
    privateIp: privateAddress(inputs, state.records[text(inputs, "subnetId")]!, state),
    networkInterfaceId: newId("eni"),
  }),
  attributes({ inputs, chosen }, state) {
    const eip = state.records[text(inputs, "allocationId")];
    return {
      associationId: eip?.chosen["associationId"] ?? "",
      availabilityMode: "zonal",
      networkInterfaceId: chosen["networkInterfaceId"],
      privateIp: chosen["privateIp"],
      publicIp: eip?.chosen["publicIp"] ?? "",
      secondaryAllocationIds: [],
      secondaryPrivateIpAddressCount: 0,
      secondaryPrivateIpAddresses: [],
      vpcId: state.records[text(inputs, "subnetId")]?.inputs["vpcId"] ?? "",
    };
  },

  // Made, it does nothing yet; gone, it leaves routes that lead nowhere.
  afterRemoval: ({ inputs }) => applyVpcBehind(inputs["subnetId"]),
};
