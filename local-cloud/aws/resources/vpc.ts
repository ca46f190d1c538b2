import { overlaps } from "../../machine/addresses";
import { T } from "../../machine/model";
import { SLOTS } from "../../machine/blocks";
import { applyVpc, freeSlot, machineRoutes, removeVpc, vpcIsWhole } from "../../machine/network";
import { readState, recordsOf } from "../../machine/store";
import { requireWay, wayIsOpen } from "../../machine/way";
import { TAGS } from "../check";
import { ec2Arn, newId } from "../ids";
import { ApiError, type ResourceType } from "../resource";
import { isUnknown } from "../values";
import { block, having, owner, text } from "./common";

type Routes = Awaited<ReturnType<typeof machineRoutes>>;

/** Why the machine cannot have a VPC with these addresses, if it cannot. */
function clash(cidr: string, routes: Routes): string | undefined {
  const other = routes.find((r) => r.device !== "lo" && overlaps(r.cidr, cidr));
  return (
    other &&
    `The CIDR '${cidr}' overlaps ${other.cidr}, which this machine already routes (${other.device}). Choose a block that it does not use; "ip route" lists them.`
  );
}

export const vpc: ResourceType = {
  token: T.vpc,
  name: "EC2 VPC",
  service: "EC2",
  operations: { create: "CreateVpc", delete: "DeleteVpc" },
  schema: {
    cidrBlock: { type: "string", required: true, replace: true, ...block(16, 28) },
    enableDnsHostnames: { type: "boolean", computed: true },
    enableDnsSupport: { type: "boolean", default: true },
    enableNetworkAddressUsageMetrics: { type: "boolean", computed: true },
    instanceTenancy: {
      type: "string",
      default: "default",
      oneOf: ["default", "dedicated"],
      replace: true,
    },
    ...TAGS,
  },
  newId: () => newId("vpc"),

  async checkMachine(inputs) {
    if (isUnknown(inputs["cidrBlock"])) return [];
    const reason = clash(text(inputs, "cidrBlock"), await machineRoutes());
    return reason === undefined ? [] : [{ property: "cidrBlock", reason }];
  },
  async lookAround() {
    const taken = recordsOf(readState(), T.vpc).map((v) => v.chosen["slot"] as number);
    return { routes: await machineRoutes(), slot: await freeSlot(new Set(taken)) };
  },
  refuse(inputs, _state, { routes }, self) {
    if (self) return;
    const reason = clash(text(inputs, "cidrBlock"), routes as Routes);
    if (reason !== undefined) throw new ApiError("InvalidVpc.Conflict", reason);
  },
  choose(_inputs, state, { slot }) {
    // Another VPC may have taken it since it was looked up.
    const taken = new Set(recordsOf(state, T.vpc).map((v) => v.chosen["slot"] as number));
    let free = slot as number;
    while (taken.has(free)) free = (free + 1) % SLOTS;
    return {
      slot: free,
      defaultSecurityGroupId: newId("sg"),
      defaultNetworkAclId: newId("acl"),
      mainRouteTableId: newId("rtb"),
    };
  },
  attributes: ({ id, inputs, chosen }, state) => {
    const association = having(state, T.dhcpOptionsAssociation, "vpcId", id)[0];
    return {
      ...owner,
      arn: ec2Arn("vpc", id),
      enableDnsHostnames: inputs["enableDnsHostnames"] ?? false,
      defaultSecurityGroupId: chosen["defaultSecurityGroupId"],
      defaultNetworkAclId: chosen["defaultNetworkAclId"],
      defaultRouteTableId: chosen["mainRouteTableId"],
      mainRouteTableId: chosen["mainRouteTableId"],
      dhcpOptionsId: association?.inputs["dhcpOptionsId"] ?? "default",
    };
  },

  async apply({ id }) {
    await applyVpc(id);
    await requireWay(id);
  },
  isWhole: async ({ id }) => (await vpcIsWhole(id)) && (await wayIsOpen(id)),
  usedBy: ({ id }, state) =>
    [T.subnet, T.internetGateway, T.routeTable, T.securityGroup].flatMap((type) =>
      having(state, type, "vpcId", id),
    ),
  takesAlong: ({ id }, state) => having(state, T.dhcpOptionsAssociation, "vpcId", id),
  inUse: ({ id }) =>
    new ApiError("DependencyViolation", `The vpc '${id}' has dependencies and cannot be deleted.`),
  remove: (record) => removeVpc(record),
};
