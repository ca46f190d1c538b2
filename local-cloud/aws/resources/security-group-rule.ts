import { isDeepStrictEqual } from "node:util";
import { isNetwork } from "../../machine/addresses";
import { T, vpcOfGroup } from "../../machine/model";
import { applyVpc } from "../../machine/network";
import { readState, type Record } from "../../machine/store";
import { TAGS } from "../check";
import { ec2Arn, newId } from "../ids";
import { ApiError, type ResourceType } from "../resource";
import type { Values } from "../values";
import { having, vpcOfExistingGroup } from "./common";

const PEERS = ["cidrIpv4", "referencedSecurityGroupId"] as const;
const PROTOCOLS = ["-1", "tcp", "udp", "icmp"] as const;

function rule(direction: "Ingress" | "Egress", token: string): ResourceType {
  return {
    token,
    name: `VPC Security Group ${direction} Rule`,
    service: "EC2",
    operations: {
      create: `AuthorizeSecurityGroup${direction}`,
      delete: `RevokeSecurityGroup${direction}`,
    },
    schema: {
      securityGroupId: { type: "string", required: true, replace: true },
      ipProtocol: { type: "string", required: true, oneOf: PROTOCOLS },
      fromPort: { type: "number", check: port },
      toPort: { type: "number", check: port },
      cidrIpv4: {
        type: "string",
        check: (cidr: string) =>
          isNetwork(cidr)
            ? undefined
            : "must be an IPv4 CIDR block that starts at its network address",
      },
      referencedSecurityGroupId: { type: "string" },
      description: { type: "string" },
      ...TAGS,
    },
    checkTogether(inputs) {
      const failures = [];
      const peers = PEERS.filter((name) => inputs[name] !== undefined);
      if (peers.length !== 1) {
        failures.push({
          property: "cidrIpv4",
          reason: `exactly one of ${PEERS.join(", ")} must be given; got ${peers.length ? peers.join(" and ") : "none"}`,
        });
      }
      const [protocol, from, to] = [inputs["ipProtocol"], inputs["fromPort"], inputs["toPort"]];
      const fail = (rule: string) =>
        failures.push({
          property: "fromPort",
          reason: `${rule}; got ${String(from)} and ${String(to)}`,
        });
      if (
        protocol === "-1"
          ? from !== undefined || to !== undefined
          : from === undefined || to === undefined
      ) {
        fail('fromPort and toPort must be given unless ipProtocol is "-1", and only then');
      } else if (typeof from === "number" && typeof to === "number") {
        if (protocol === "icmp" && (from > 255 || to > 255)) {
          fail("are an ICMP type and code, so both must be from -1 to 255");
        } else if (protocol === "tcp" || protocol === "udp") {
          if (from < 0 || to < 0)
            fail(`are ports for ${protocol}, so both must be from 0 to 65535`);
          else if (from > to) fail("must not be above toPort");
        }
      }
      return failures;
    },
    newId: () => newId("sgr"),

    refuse(inputs, state, _around, self) {
      const groupId = inputs["securityGroupId"];
      const vpcId = vpcOfExistingGroup(state, groupId);
      const peer = inputs["referencedSecurityGroupId"];
      if (peer !== undefined && vpcOfExistingGroup(state, peer) !== vpcId) {
        throw new ApiError(
          "InvalidGroup.NotFound",
          "You have specified two resources that belong to different networks.",
        );
      }
      const same = (a: Values, b: Values) =>
        ["ipProtocol", "fromPort", "toPort", ...PEERS].every((n) => isDeepStrictEqual(a[n], b[n]));
      const twin = having(state, token, "securityGroupId", groupId).find(
        (r) => r.id !== self?.id && same(r.inputs, inputs),
      );
      if (twin) {
        throw new ApiError(
          "InvalidPermission.Duplicate",
          `the specified rule "peer: ${String(inputs["cidrIpv4"] ?? peer)}, ${String(inputs["ipProtocol"])}, from port: ${String(inputs["fromPort"])}, to port: ${String(inputs["toPort"])}, ALLOW" already exists`,
        );
      }
    },
    attributes: ({ id }) => ({ arn: ec2Arn("security-group-rule", id), securityGroupRuleId: id }),

    apply: applyVpcOfRule,
    afterRemoval: applyVpcOfRule,
  };
}

async function applyVpcOfRule({ inputs }: Record): Promise<void> {
  const vpcId = vpcOfGroup(readState(), inputs["securityGroupId"]);
  if (vpcId !== undefined) await applyVpc(vpcId);
}

function port(value: number): string | undefined {
  return Number.isInteger(value) && value >= -1 && value <= 65535
    ? undefined
    : "must be a whole number from -1 to 65535";
}

export const ingressRule = rule("Ingress", T.ingressRule);
export const egressRule = rule("Egress", T.egressRule);
