import { isDeepStrictEqual } from "node:util";
import { readState } from "../../machine/store";
import { ApiError } from "../api-error";
import { ec2Arn, newId } from "../ids";
import type { InputsOf } from "../kind";
import * as kinds from "../kinds";
import { applyVpc } from "../network";
import { having } from "../records";
import { resourceType, type Checked, type Failure } from "../resource";
import { vpcOfGroup } from "../vpc-model";
import { vpcOfExistingGroup } from "./common";

type Inputs = InputsOf<typeof kinds.ingressRule>;

/** The inputs for the peer of a rule. The program must set exactly one of them. */
const PEERS = ["cidrIpv4", "referencedSecurityGroupId"] as const;
const PORTS = ["fromPort", "toPort"] as const;

function checkPeers(inputs: Checked<Inputs>): Failure[] {
  const given = PEERS.filter((name) => inputs[name] !== undefined);
  const reason = `exactly one of ${PEERS.join(", ")} must be given; got ${given.join(" and ") || "none"}`;
  return given.length === 1 ? [] : [{ property: "cidrIpv4", reason }];
}

function checkPorts({ ipProtocol, fromPort: from, toPort: to }: Checked<Inputs>): Failure[] {
  const rule = portRule(ipProtocol, from, to);
  const reason = `${rule}; got ${String(from)} and ${String(to)}`;
  return rule === undefined ? [] : [{ property: "fromPort", reason }];
}

type Port = number | string | undefined;

/** Returns the rule that the ports break, if any. Accepts ports that are not known yet. */
function portRule(protocol: string, from: Port, to: Port): string | undefined {
  const areWrong =
    protocol === "-1"
      ? from !== undefined || to !== undefined
      : from === undefined || to === undefined;
  if (areWrong) {
    return 'fromPort and toPort must be given unless ipProtocol is "-1", and only then';
  }
  if (typeof from !== "number" || typeof to !== "number") {
    return undefined;
  }
  if (protocol === "icmp" && (from > 255 || to > 255)) {
    return "are an ICMP type and code, so both must be from -1 to 255";
  }
  if (protocol === "tcp" || protocol === "udp") {
    if (from < 0 || to < 0) {
      return `are ports for ${protocol}, so both must be from 0 to 65535`;
    }
    return from > to ? "must not be above toPort" : undefined;
  }
  return undefined;
}

const areSame = (one: Inputs, other: Inputs) =>
  (["ipProtocol", ...PORTS, ...PEERS] as const).every((name) =>
    isDeepStrictEqual(one[name], other[name]),
  );

const rule = (direction: "Ingress" | "Egress", kind: typeof kinds.ingressRule) =>
  resourceType(kind, {
    name: `VPC Security Group ${direction} Rule`,
    service: "EC2",
    operations: {
      create: `AuthorizeSecurityGroup${direction}`,
      delete: `RevokeSecurityGroup${direction}`,
    },
    checkTogether: (inputs) => [...checkPeers(inputs), ...checkPorts(inputs)],
    newId: () => newId("sgr"),

    refuse(inputs, state, _around, self) {
      const { securityGroupId, referencedSecurityGroupId: peer } = inputs;
      const vpcId = vpcOfExistingGroup(state, securityGroupId);
      if (peer !== undefined && vpcOfExistingGroup(state, peer) !== vpcId) {
        throw new ApiError(
          "InvalidGroup.NotFound",
          "You have specified two resources that belong to different networks.",
        );
      }
      const twin = having(state, kind, "securityGroupId", securityGroupId).find(
        (other) => other.id !== self?.id && areSame(other.inputs, inputs),
      );
      if (twin) {
        throw new ApiError(
          "InvalidPermission.Duplicate",
          `the specified rule "peer: ${inputs.cidrIpv4 ?? peer}, ${inputs.ipProtocol}, from port: ${inputs.fromPort}, to port: ${inputs.toPort}, ALLOW" already exists`,
        );
      }
    },
    attributes: ({ id }) => ({ arn: ec2Arn("security-group-rule", id), securityGroupRuleId: id }),

    apply: applyVpcOfRule,
    afterRemoval: applyVpcOfRule,
  });

async function applyVpcOfRule({ inputs }: { inputs: Inputs }): Promise<void> {
  const vpcId = vpcOfGroup(readState(), inputs.securityGroupId);
  if (vpcId !== undefined) {
    await applyVpc(vpcId);
  }
}

export const ingressRule = rule("Ingress", kinds.ingressRule);
export const egressRule = rule("Egress", kinds.egressRule);
