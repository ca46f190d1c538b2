import { ApiError } from "../api-error";
import { ec2Arn, newId } from "../ids";
import * as kinds from "../kinds";
import { applyVpcOf } from "../network";
import { find, having, mustExist } from "../records";
import { resourceType } from "../resource";
import { groupsOf } from "../vpc-model";
import { owner } from "./common";

/** Rules are separate resources. The local cloud does not support inline rules. */
export const securityGroup = resourceType(kinds.securityGroup, {
  name: "EC2 Security Group",
  service: "EC2",
  operations: { create: "CreateSecurityGroup", delete: "DeleteSecurityGroup" },
  autoNamed: "name",
  newId: () => newId("sg"),

  refuse({ vpcId, name }, state, _around, self) {
    const vpc = mustExist(state, kinds.vpc, vpcId);
    const twin = having(state, kinds.securityGroup, "vpcId", vpc.id).find(
      (other) => other.id !== self?.id && other.inputs.name === name,
    );
    if (twin) {
      throw new ApiError(
        "InvalidGroup.Duplicate",
        `The security group '${name}' already exists for VPC '${vpc.id}'`,
      );
    }
  },
  attributes: ({ id }) => ({
    ...owner,
    arn: ec2Arn("security-group", id),
    namePrefix: "",
    ingress: [],
    egress: [],
  }),

  apply: applyVpcOf,
  usedBy({ id, inputs }, state) {
    const vpc = find(state, kinds.vpc, inputs.vpcId);
    const members = having(state, kinds.subnet, "vpcId", inputs.vpcId)
      .flatMap((subnet) => having(state, kinds.instance, "subnetId", subnet.id))
      .filter((instance) => vpc && groupsOf(instance, vpc).includes(id));
    const references = [kinds.ingressRule, kinds.egressRule]
      .flatMap((kind) => having(state, kind, "referencedSecurityGroupId", id))
      .filter((rule) => rule.inputs.securityGroupId !== id);
    return [...members, ...references];
  },
  inUse: ({ id }) => new ApiError("DependencyViolation", `resource ${id} has a dependent object`),
  takesAlong: ({ id }, state) =>
    [kinds.ingressRule, kinds.egressRule].flatMap((kind) =>
      having(state, kind, "securityGroupId", id),
    ),
  afterRemoval: applyVpcOf,
});
