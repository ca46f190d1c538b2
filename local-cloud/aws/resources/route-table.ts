import { ec2Arn, newId } from "../ids";
import * as kinds from "../kinds";
import { having, mustExist } from "../records";
import { resourceType } from "../resource";
import { hasDependencies, owner } from "./common";

/** Routes are separate resources. The local cloud does not support inline routes. */
export const routeTable = resourceType(kinds.routeTable, {
  name: "EC2 Route Table",
  service: "EC2",
  operations: { create: "CreateRouteTable", delete: "DeleteRouteTable" },
  newId: () => newId("rtb"),

  refuse: ({ vpcId }, state) => void mustExist(state, kinds.vpc, vpcId),
  attributes: ({ id }) => ({
    ...owner,
    arn: ec2Arn("route-table", id),
    routes: [],
    propagatingVgws: [],
  }),

  usedBy: ({ id }, state) => having(state, kinds.routeTableAssociation, "routeTableId", id),
  inUse: ({ id }) => hasDependencies("routeTable", id),
  takesAlong: ({ id }, state) => having(state, kinds.route, "routeTableId", id),
});
