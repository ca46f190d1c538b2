import { groupsOf, T } from "../../machine/model";
import { recordsOf } from "../../machine/store";
import { TAGS } from "../check";
import { ec2Arn, newId } from "../ids";
import { ApiError, type ResourceType } from "../resource";
import { applyVpcOf, having, mustBeVpc, owner, text } from "./common";

const printable = /^[a-zA-Z0-9 ._\-:/()#,@[\]+=&;{}!$*]*$/;

/** Its rules are resources of their own: inline ones are not taken. */
export const securityGroup: ResourceType = {
  token: T.securityGroup,
  name: "EC2 Security Group",
  service: "EC2",
  operations: { create: "CreateSecurityGroup", delete: "DeleteSecurityGroup" },
  schema: {
    name: {
      type: "string",
      computed: true,
      replace: true,
      check: (name: string) =>
        name.startsWith("sg-") ? 'must not begin with "sg-"'
        : name.length > 255 ? "must have at most 255 characters"
        : undefined, // prettier-ignore
    },
    description: {
      type: "string",
      default: "Managed by Pulumi",
      replace: true,
      check: (d: string) =>
        printable.test(d) && d.length <= 255
          ? undefined
          : "must have at most 255 characters out of a-z, A-Z, 0-9, space and ._-:/()#,@[]+=&;{}!$*",
    },
    vpcId: { type: "string", required: true, replace: true },
    revokeRulesOnDelete: { type: "boolean", default: false },
    ...TAGS,
  },
  autoNamed: "name",
  newId: () => newId("sg"),

  refuse(inputs, state, _around, self) {
    const vpc = mustBeVpc(state, inputs["vpcId"]);
    const twin = having(state, T.securityGroup, "vpcId", vpc.id).find(
      (g) => g.id !== self?.id && g.inputs["name"] === inputs["name"],
    );
    if (twin) {
      throw new ApiError(
        "InvalidGroup.Duplicate",
        `The security group '${text(inputs, "name")}' already exists for VPC '${vpc.id}'`,
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
  usedBy: ({ id, inputs }, state) => [
    ...recordsOf(state, T.instance).filter((i) => {
      const subnet = state.records[text(i.inputs, "subnetId")];
      return (
        subnet?.inputs["vpcId"] === inputs["vpcId"] &&
        groupsOf(state, i, text(inputs, "vpcId")).includes(id)
      );
    }),
    ...[T.ingressRule, T.egressRule]
      .flatMap((type) => having(state, type, "referencedSecurityGroupId", id))
      .filter((rule) => rule.inputs["securityGroupId"] !== id),
  ],
  inUse: ({ id }) => new ApiError("DependencyViolation", `resource ${id} has a dependent object`),
  takesAlong: ({ id }, state) =>
    [T.ingressRule, T.egressRule].flatMap((type) => having(state, type, "securityGroupId", id)),
  afterRemoval: applyVpcOf,
};
