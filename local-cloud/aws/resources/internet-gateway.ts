import { publicIpOf, T } from "../../machine/model";
import { applyVpc } from "../../machine/network";
import { TAGS } from "../check";
import { ec2Arn, newId } from "../ids";
import { ApiError, type ResourceType } from "../resource";
import { applyVpcOf, having, mustBeVpc, owner } from "./common";

export const internetGateway: ResourceType = {
  token: T.internetGateway,
  name: "EC2 Internet Gateway",
  service: "EC2",
  operations: { create: "AttachInternetGateway", delete: "DetachInternetGateway" },
  schema: { vpcId: { type: "string", computed: true }, ...TAGS },
  newId: () => newId("igw"),

  refuse(inputs, state, _around, self) {
    if (inputs["vpcId"] === undefined) return;
    const vpc = mustBeVpc(state, inputs["vpcId"]);
    if (having(state, T.internetGateway, "vpcId", vpc.id).some((g) => g.id !== self?.id)) {
      throw new ApiError(
        "Resource.AlreadyAssociated",
        `resource ${vpc.id} is already attached to an internet gateway`,
      );
    }
  },
  attributes: ({ id }) => ({ ...owner, arn: ec2Arn("internet-gateway", id) }),

  apply: applyVpcOf,
  async update(record, before) {
    for (const vpcId of new Set([before.inputs["vpcId"], record.inputs["vpcId"]])) {
      if (typeof vpcId === "string") await applyVpc(vpcId);
    }
  },
  usedBy: ({ inputs }, state) => {
    const subnets = having(state, T.subnet, "vpcId", inputs["vpcId"]).map((s) => s.id);
    const inSubnets = (type: string) =>
      subnets.flatMap((id) => having(state, type, "subnetId", id));
    return [
      ...inSubnets(T.instance).filter((instance) => publicIpOf(instance) !== undefined),
      ...inSubnets(T.natGateway),
    ];
  },
  inUse: ({ inputs }) =>
    new ApiError(
      "DependencyViolation",
      `Network ${String(inputs["vpcId"])} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.`,
    ),
  afterRemoval: applyVpcOf,
};
