import type { State } from "../../machine/store";
import { ApiError } from "../api-error";
import { textHash } from "../ids";
import type { InputsOf } from "../kind";
import * as kinds from "../kinds";
import { find, having, mustExist } from "../records";
import { resourceType } from "../resource";
import { applyVpcOfRouteTable } from "./common";

type Inputs = InputsOf<typeof kinds.route>;

/** The inputs for the target of a route. The program must set exactly one of them. */
const TARGETS = ["gatewayId", "natGatewayId"] as const;

/** Returns the id and the VPC of a route's target. Throws AWS's error if the target does not exist. */
function targetOf({ gatewayId, natGatewayId }: Inputs, state: State) {
  if (natGatewayId !== undefined) {
    const { id, inputs } = mustExist(state, kinds.natGateway, natGatewayId);
    return { id, vpcId: find(state, kinds.subnet, inputs.subnetId)?.inputs.vpcId };
  }
  const { id, inputs } = mustExist(state, kinds.internetGateway, String(gatewayId));
  return { id, vpcId: inputs.vpcId };
}

export const route = resourceType(kinds.route, {
  name: "EC2 Route",
  service: "EC2",
  operations: { create: "CreateRoute", delete: "DeleteRoute" },
  checkTogether(inputs) {
    const given = TARGETS.filter((name) => inputs[name] !== undefined);
    const reason = `exactly one of ${TARGETS.join(", ")} must be given; got ${given.join(" and ") || "none"}`;
    return given.length === 1 ? [] : [{ property: "gatewayId", reason }];
  },
  newId: ({ routeTableId, destinationCidrBlock }) =>
    `r-${routeTableId}${textHash(destinationCidrBlock)}`,

  refuse(inputs, state, _around, self) {
    const table = mustExist(state, kinds.routeTable, inputs.routeTableId);
    const target = targetOf(inputs, state);
    if (target.vpcId !== table.inputs.vpcId) {
      throw new ApiError(
        "InvalidParameterValue",
        `route table ${table.id} and network gateway ${target.id} belong to different networks`,
      );
    }
    const destination = inputs.destinationCidrBlock;
    const twin = having(state, kinds.route, "routeTableId", table.id).find(
      (other) => other.id !== self?.id && other.inputs.destinationCidrBlock === destination,
    );
    if (twin) {
      throw new ApiError(
        "RouteAlreadyExists",
        `Route in Route Table (${table.id}) with destination (${destination}) already exists`,
      );
    }
  },
  attributes({ inputs: { gatewayId, natGatewayId } }, state) {
    const target =
      find(state, kinds.natGateway, natGatewayId) ?? find(state, kinds.internetGateway, gatewayId);
    return { origin: "CreateRoute", state: target ? "active" : "blackhole" };
  },

  apply: ({ inputs }) => applyVpcOfRouteTable(inputs.routeTableId),
  afterRemoval: ({ inputs }) => applyVpcOfRouteTable(inputs.routeTableId),
});
