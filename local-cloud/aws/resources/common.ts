import { isNetwork, parseCidr } from "../../machine/addresses";
import { T, vpcOfGroup } from "../../machine/model";
import { applyVpc } from "../../machine/network";
import { readState, recordsOf, type Record, type State } from "../../machine/store";
import { ACCOUNT } from "../ids";
import { ApiError, type Property } from "../resource";
import type { Values } from "../values";

export const text = (values: Values, name: string) => values[name] as string;
export const owner = { ownerId: ACCOUNT };

/** The record of that type with that id, or AWS's error for an id that does not exist. */
export function mustExist(
  state: State,
  type: string,
  id: unknown,
  code: string,
  kind: string,
): Record {
  const record = state.records[id as string];
  if (record?.type !== type || record.leaving)
    throw new ApiError(code, `The ${kind} '${String(id)}' does not exist`);
  return record;
}

/** The VPC of a security group, or AWS's error if there is no such group. */
export function vpcOfExistingGroup(state: State, groupId: unknown): string {
  const vpcId = vpcOfGroup(state, groupId);
  if (vpcId !== undefined) return vpcId;
  throw new ApiError(
    "InvalidGroup.NotFound",
    `The security group '${String(groupId)}' does not exist`,
  );
}

export const mustBeVpc = (state: State, id: unknown) =>
  mustExist(state, T.vpc, id, "InvalidVpcID.NotFound", "vpc ID");

export const mustBeInstance = (state: State, id: unknown) =>
  mustExist(state, T.instance, id, "InvalidInstanceID.NotFound", "instance ID");

/** The records of a type one of whose inputs has that value. */
export const having = (state: State, type: string, input: string, value: unknown) =>
  recordsOf(state, type).filter((record) => record.inputs[input] === value);

/** Hands a change of a resource within a VPC to the kernel. */
export async function applyVpcOf(record: Record): Promise<void> {
  const vpcId = record.inputs["vpcId"];
  if (typeof vpcId === "string") await applyVpc(vpcId);
}

/** As {@link applyVpcOf} for what names a security group, a route table or the like. */
export async function applyVpcBehind(id: unknown): Promise<void> {
  const record = readState().records[id as string];
  if (record) await applyVpcOf(record);
}

/** An IPv4 block, written with its network address, of a size that AWS takes for the purpose. */
export const block = (minPrefix: number, maxPrefix: number): Pick<Property, "check"> => ({
  check: (cidr: string) => {
    if (!isNetwork(cidr)) return "must be an IPv4 CIDR block that starts at its network address";
    const { prefix } = parseCidr(cidr);
    if (prefix < minPrefix || prefix > maxPrefix)
      return `must be a block between /${minPrefix} and /${maxPrefix}`;
    return undefined;
  },
});
