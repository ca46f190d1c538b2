import {
  freeSlot,
  machineRoutes,
  routeThatOverlaps,
  type MachineRoute,
} from "../../machine/network";
import { readState } from "../../machine/store";
import { ApiError } from "../api-error";
import { freeSlotFrom, takenSlots } from "../elastic-addresses";
import { ec2Arn, newId } from "../ids";
import * as kinds from "../kinds";
import { makeVpc, removeVpc, vpcIsWhole } from "../network";
import { having } from "../records";
import { resourceType } from "../resource";
import { isUnknown } from "../values";
import { hasDependencies, owner } from "./common";

/** The reason why the machine cannot have a VPC with these addresses. @default undefined, if it can */
function clash(cidr: string, routes: MachineRoute[]): string | undefined {
  const other = routeThatOverlaps(cidr, routes);
  return (
    other &&
    `The CIDR '${cidr}' overlaps ${other.cidr}, which this machine already routes (${other.device}). Choose a block that it does not use; "ip route" lists them.`
  );
}

export const vpc = resourceType(kinds.vpc, {
  name: "EC2 VPC",
  service: "EC2",
  operations: { create: "CreateVpc", delete: "DeleteVpc" },
  newId: () => newId("vpc"),

  async checkMachine({ cidrBlock }) {
    if (isUnknown(cidrBlock)) {
      return [];
    }
    const reason = clash(cidrBlock, await machineRoutes());
    return reason === undefined ? [] : [{ property: "cidrBlock", reason }];
  },
  async lookAround() {
    return { routes: await machineRoutes(), slot: await freeSlot(takenSlots(readState())) };
  },
  refuse({ cidrBlock }, _state, { routes }, self) {
    const reason = self ? undefined : clash(cidrBlock, routes);
    if (reason !== undefined) {
      throw new ApiError("InvalidVpc.Conflict", reason);
    }
  },
  choose: (_inputs, state, { slot }) => ({
    slot: freeSlotFrom(slot, state),
    defaultSecurityGroupId: newId("sg"),
    defaultNetworkAclId: newId("acl"),
    mainRouteTableId: newId("rtb"),
  }),
  attributes: ({ id, inputs, chosen }, state) => {
    const [association] = having(state, kinds.dhcpOptionsAssociation, "vpcId", id);
    return {
      ...owner,
      arn: ec2Arn("vpc", id),
      enableDnsHostnames: inputs.enableDnsHostnames ?? false,
      defaultSecurityGroupId: chosen.defaultSecurityGroupId,
      defaultNetworkAclId: chosen.defaultNetworkAclId,
      defaultRouteTableId: chosen.mainRouteTableId,
      mainRouteTableId: chosen.mainRouteTableId,
      dhcpOptionsId: association?.inputs.dhcpOptionsId ?? "default",
    };
  },

  apply: ({ id }) => makeVpc(id),
  isWhole: ({ id }) => vpcIsWhole(id),
  usedBy: ({ id }, state) => [
    ...having(state, kinds.subnet, "vpcId", id),
    ...having(state, kinds.internetGateway, "vpcId", id),
    ...having(state, kinds.routeTable, "vpcId", id),
    ...having(state, kinds.securityGroup, "vpcId", id),
  ],
  takesAlong: ({ id }, state) => having(state, kinds.dhcpOptionsAssociation, "vpcId", id),
  inUse: ({ id }) => hasDependencies("vpc", id),
  remove: removeVpc,
});
