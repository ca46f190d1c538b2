import { isNetwork } from "../../machine/addresses";
import { T } from "../../machine/model";
import type { State } from "../../machine/store";
import { IN_REGION } from "../check";
import { textHash } from "../ids";
import { ApiError, type ResourceType } from "../resource";
import type { Values } from "../values";
import { applyVpcBehind, having, mustExist, text } from "./common";

interface Target {
  type: string;
  /** AWS's error where there is none, and what it calls the id. */
  code: string;
  kind: string;
  vpcOf(inputs: Values, state: State): unknown;
}

/** What a route may lead to, by the input that names it. */
const TARGETS: Readonly<{ [input: string]: Target }> = {
  gatewayId: {
    type: T.internetGateway,
    code: "InvalidGatewayID.NotFound",
    kind: "gateway ID",
    vpcOf: (inputs) => inputs["vpcId"],
  },
  natGatewayId: {
    type: T.natGateway,
    code: "InvalidNatGatewayID.NotFound",
    kind: "natGateway ID",
    vpcOf: (inputs, state) => state.records[text(inputs, "subnetId")]?.inputs["vpcId"],
  },
};

/** The id of what the route leads to, and what that is. */
function targetOf(inputs: Values): [string, Target] {
  const [input, target] = Object.entries(TARGETS).find(([name]) => inputs[name] !== undefined)!;
  return [text(inputs, input), target];
}

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
    gatewayId: { type: "string" },
    natGatewayId: { type: "string" },
    ...IN_REGION,
  },
  checkTogether(inputs) {
    const targets = Object.keys(TARGETS).filter((name) => inputs[name] !== undefined);
    if (targets.length === 1) return [];
    const reason = `exactly one of ${Object.keys(TARGETS).join(", ")} must be given; got ${targets.length ? targets.join(" and ") : "none"}`;
    return [{ property: "gatewayId", reason }];
  },
  newId: (inputs) =>
    `r-${text(inputs, "routeTableId")}${textHash(text(inputs, "destinationCidrBlock"))}`,

  refuse(inputs, state, _around, self) {
    const table = mustExist(
      state, T.routeTable, inputs["routeTableId"], "InvalidRouteTableID.NotFound", "routeTable ID",
    ); // prettier-ignore
    const [id, target] = targetOf(inputs);
    const gateway = mustExist(state, target.type, id, target.code, target.kind);
    if (target.vpcOf(gateway.inputs, state) !== table.inputs["vpcId"]) {
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
  attributes({ inputs }, state) {
    const there = state.records[targetOf(inputs)[0]] !== undefined;
    return { origin: "CreateRoute", state: there ? "active" : "blackhole" };
  },

  apply: ({ inputs }) => applyVpcBehind(inputs["routeTableId"]),
  afterRemoval: ({ inputs }) => applyVpcBehind(inputs["routeTableId"]),
};
