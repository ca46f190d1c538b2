import { T } from "../../machine/model";
import { TAGS } from "../check";
import { ec2Arn, newId } from "../ids";
import { ApiError, type ResourceType } from "../resource";
import { having, mustBeVpc, owner } from "./common";

/** Its routes are resources of their own: inline ones are not taken. */
export const routeTable: ResourceType = {
  token: T.routeTable,
  name: "EC2 Route Table",
  service: "EC2",
  operations: { create: "CreateRouteTable", delete: "DeleteRouteTable" },
  schema: { vpcId: { type: "string", required: true, replace: true }, ...TAGS },
  newId: () => newId("rtb"),

  refuse: (inputs, state) => void mustBeVpc(state, inputs["vpcId"]),
  attributes: ({ id }) => ({
    ...owner,
    arn: ec2Arn("route-table", id),
    routes: [],
    propagatingVgws: [],
  }),

  usedBy: ({ id }, state) => having(state, T.routeTableAssociation, "routeTableId", id),
  inUse: ({ id }) =>
    new ApiError(
      "DependencyViolation",
      `The routeTable '${id}' has dependencies and cannot be deleted.`,
    ),
  takesAlong: ({ id }, state) => having(state, T.route, "routeTableId", id),
};
