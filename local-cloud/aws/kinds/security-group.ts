import * as z from "zod";
import { computed, kind, replaces } from "../kind";
import { flag, network, TAGS } from "../properties";

const PRINTABLE = /^[a-zA-Z0-9 ._\-:/()#,@[\]+=&;{}!$*]*$/;

export const securityGroup = kind({
  token: "aws:ec2/securityGroup:SecurityGroup",
  inputs: {
    name: replaces(
      computed(
        z
          .string()
          .refine((name) => !name.startsWith("sg-"), {
            error: 'must not begin with "sg-"',
            abort: true,
          })
          .refine((name) => name.length <= 255, "must have at most 255 characters"),
      ),
    ),
    description: replaces(
      z
        .string()
        .refine(
          (text) => PRINTABLE.test(text) && text.length <= 255,
          "must have at most 255 characters out of a-z, A-Z, 0-9, space and ._-:/()#,@[]+=&;{}!$*",
        )
        .default("Managed by Pulumi"),
    ),
    vpcId: replaces(z.string()),
    revokeRulesOnDelete: flag(false),
    ...TAGS,
  },
  chosen: {},
});

const port = z
  .number()
  .refine(
    (value) => Number.isInteger(value) && value >= -1 && value <= 65535,
    "must be a whole number from -1 to 65535",
  );

const rule = (token: string) =>
  kind({
    token,
    inputs: {
      securityGroupId: replaces(z.string()),
      ipProtocol: z.enum(["-1", "tcp", "udp", "icmp"]),
      fromPort: port.optional(),
      toPort: port.optional(),
      cidrIpv4: network.optional(),
      referencedSecurityGroupId: z.string().optional(),
      description: z.string().optional(),
      ...TAGS,
    },
    chosen: {},
  });

export const ingressRule = rule("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule");
export const egressRule = rule("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule");
