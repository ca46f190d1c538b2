import { addressAt, contains, overlaps, parseCidr } from "../../machine/addresses";
import { T } from "../../machine/model";
import type { Record, State } from "../../machine/store";
import { TAGS, zoneName } from "../check";
import { ec2Arn, newId, REGION, ZONES } from "../ids";
import { ApiError, type ResourceType } from "../resource";
import type { Values } from "../values";
import { applyVpcOf, block, having, mustBeVpc, owner, text } from "./common";

/** The availability zone of a subnet with these inputs. */
export function zoneOf(inputs: Values): string {
  const named = Object.keys(ZONES).find((zone) => ZONES[zone] === inputs["availabilityZoneId"]);
  return (inputs["availabilityZone"] as string | undefined) ?? named ?? `${REGION}a`;
}

/** What has a private address of the subnet. */
const usersOf = (state: State, subnetId: string) =>
  [T.instance, T.natGateway].flatMap((type) => having(state, type, "subnetId", subnetId));

/** The address that was asked for, or the first free one of the subnet. */
export function privateAddress(inputs: Values, subnet: Record, state: State): string {
  const cidr = text(subnet.inputs, "cidrBlock");
  const taken = new Set(usersOf(state, subnet.id).map((user) => text(user.chosen, "privateIp")));
  const { size } = parseCidr(cidr);
  const reserved = [0, 1, 2, 3, size - 1].map((offset) => addressAt(cidr, offset));
  const wanted = inputs["privateIp"] as string | undefined;
  if (wanted !== undefined) {
    if (!contains(cidr, `${wanted}/32`) || reserved.includes(wanted)) {
      const why = reserved.includes(wanted)
        ? `Address ${wanted} is in subnet's reserved address range.`
        : `Address ${wanted} does not fall within the subnet's address range`;
      throw new ApiError("InvalidParameterValue", why);
    }
    if (taken.has(wanted))
      throw new ApiError("InvalidIPAddress.InUse", `Address ${wanted} is in use.`);
    return wanted;
  }
  for (let offset = 4; offset < size - 1; offset++) {
    const address = addressAt(cidr, offset);
    if (!taken.has(address)) return address;
  }
  throw new ApiError(
    "InsufficientFreeAddressesInSubnet",
    `There are not enough free addresses in subnet '${subnet.id}' to satisfy the requested number of instances.`,
  );
}

export const subnet: ResourceType = {
  token: T.subnet,
  name: "EC2 Subnet",
  service: "EC2",
  operations: { create: "CreateSubnet", delete: "DeleteSubnet" },
  schema: {
    vpcId: { type: "string", required: true, replace: true },
    cidrBlock: { type: "string", required: true, replace: true, ...block(16, 28) },
    availabilityZone: { ...zoneName, computed: true, replace: true },
    availabilityZoneId: {
      type: "string",
      computed: true,
      replace: true,
      oneOf: Object.values(ZONES),
    },
    mapPublicIpOnLaunch: { type: "boolean", default: false },
    ...TAGS,
  },
  checkTogether(inputs) {
    if (inputs["availabilityZone"] === undefined || inputs["availabilityZoneId"] === undefined)
      return [];
    return [{ property: "availabilityZone", reason: "conflicts with availabilityZoneId" }];
  },
  newId: () => newId("subnet"),

  refuse(inputs, state, _around, self) {
    const vpc = mustBeVpc(state, inputs["vpcId"]);
    const cidr = text(inputs, "cidrBlock");
    if (!contains(text(vpc.inputs, "cidrBlock"), cidr)) {
      throw new ApiError("InvalidSubnet.Range", `The CIDR '${cidr}' is invalid.`);
    }
    const clash = having(state, T.subnet, "vpcId", vpc.id).find(
      (other) => other.id !== self?.id && overlaps(text(other.inputs, "cidrBlock"), cidr),
    );
    if (clash) {
      throw new ApiError(
        "InvalidSubnet.Conflict",
        `The CIDR '${cidr}' conflicts with another subnet`,
      );
    }
  },
  attributes: ({ id, inputs }, state) => {
    const zone = zoneOf(inputs);
    return {
      ...owner,
      arn: ec2Arn("subnet", id),
      availabilityZone: zone,
      availabilityZoneId: ZONES[zone],
      // EC2 keeps the first four and the last address of every subnet.
      availableIpAddressCount:
        parseCidr(text(inputs, "cidrBlock")).size - 5 - usersOf(state, id).length,
    };
  },

  apply: applyVpcOf,
  usedBy: ({ id }, state) => usersOf(state, id),
  takesAlong: ({ id }, state) => having(state, T.routeTableAssociation, "subnetId", id),
  inUse: ({ id }) =>
    new ApiError(
      "DependencyViolation",
      `The subnet '${id}' has dependencies and cannot be deleted.`,
    ),
  afterRemoval: applyVpcOf,
};
