import { isNetwork } from "../../../host/addresses";
import { T } from "../../../host/model";
import { isDeepStrictEqual } from "node:util";
import { TAGS } from "../check";
import { ec2Arn, newId } from "../ids";
import { ApiError, type ResourceType } from "../resource";
import type { Values } from "../values";
import { applyVpcBehind, having, mustExist } from "./common";

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
      const [from, to] = [inputs["fromPort"], inputs["toPort"]];
      if (
        inputs["ipProtocol"] === "-1"
          ? from !== undefined || to !== undefined
          : from === undefined || to === undefined
      ) {
        failures.push({
          property: "fromPort",
          reason: `fromPort and toPort must be given unless ipProtocol is "-1", and only then; got ${String(from)} and ${String(to)}`,
        });
      } else if (
        typeof from === "number" &&
        typeof to === "number" &&
        inputs["ipProtocol"] !== "icmp" &&
        from > to
      ) {
        failures.push({
          property: "fromPort",
          reason: `must not be above toPort; got ${from} and ${to}`,
        });
      }
      return failures;
    },
    newId: () => newId("sgr"),

    refuse(inputs, state, _around, self) {
      const group = mustExist(
        state, T.securityGroup, inputs["securityGroupId"], "InvalidGroup.NotFound", "security group",
      ); // prettier-ignore
      const peer = inputs["referencedSecurityGroupId"];
      if (peer !== undefined) {
        const other = mustExist(
          state,
          T.securityGroup,
          peer,
          "InvalidGroup.NotFound",
          "security group",
        );
        if (other.inputs["vpcId"] !== group.inputs["vpcId"]) {
          throw new ApiError(
            "InvalidGroup.NotFound",
            `You have specified two resources that belong to different networks.`,
          );
        }
      }
      const same = (a: Values, b: Values) =>
        ["ipProtocol", "fromPort", "toPort", ...PEERS].every((n) => isDeepStrictEqual(a[n], b[n]));
      const twin = having(state, token, "securityGroupId", group.id).find(
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

    apply: ({ inputs }) => applyVpcBehind(inputs["securityGroupId"]),
    afterRemoval: ({ inputs }) => applyVpcBehind(inputs["securityGroupId"]),
  };
}

function port(value: number): string | undefined {
  return Number.isInteger(value) && value >= -1 && value <= 65535
    ? undefined
    : "must be a whole number from -1 to 65535";
}

export const ingressRule = rule("Ingress", T.ingressRule);
export const egressRule = rule("Egress", T.egressRule);
