import { isNetwork } from "../../../host/addresses";
import { T } from "../../../host/model";
import { IN_REGION } from "../check";
import { textHash } from "../ids";
import { ApiError, type ResourceType } from "../resource";
import { applyVpcBehind, having, mustExist, text } from "./common";

export const route: ResourceType = {
  token: T.route,
  name: "EC2 Route",
  service: "EC2",
  operations: { create: "CreateRoute", delete: "DeleteRoute" },
  schema: {
    routeTableId: { type: "string", required: true, replace: true },
    destinationCidrBlock: {
      type: "string",
      required: true,
      replace: true,
      check: (cidr: string) =>
        isNetwork(cidr)
          ? undefined
          : "must be an IPv4 CIDR block that starts at its network address",
    },
    gatewayId: { type: "string", required: true },
    ...IN_REGION,
  },
  newId: (inputs) =>
    `r-${text(inputs, "routeTableId")}${textHash(text(inputs, "destinationCidrBlock"))}`,

  refuse(inputs, state, _around, self) {
    const table = mustExist(
      state, T.routeTable, inputs["routeTableId"], "InvalidRouteTableID.NotFound", "routeTable ID",
    ); // prettier-ignore
    const gateway = mustExist(
      state, T.internetGateway, inputs["gatewayId"], "InvalidGatewayID.NotFound", "gateway ID",
    ); // prettier-ignore
    if (gateway.inputs["vpcId"] !== table.inputs["vpcId"]) {
      throw new ApiError(
        "InvalidParameterValue",
        `route table ${table.id} and network gateway ${gateway.id} belong to different networks`,
      );
    }
    const destination = text(inputs, "destinationCidrBlock");
    const twin = having(state, T.route, "routeTableId", table.id).find(
      (r) => r.id !== self?.id && r.inputs["destinationCidrBlock"] === destination,
    );
    if (twin) {
      throw new ApiError(
        "RouteAlreadyExists",
        `Route in Route Table (${table.id}) with destination (${destination}) already exists`,
      );
    }
  },
  attributes: () => ({ origin: "CreateRoute", state: "active" }),

  apply: ({ inputs }) => applyVpcBehind(inputs["routeTableId"]),
  afterRemoval: ({ inputs }) => applyVpcBehind(inputs["routeTableId"]),
};
