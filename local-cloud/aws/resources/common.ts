import type { State } from "../../machine/store";
import { ApiError } from "../api-error";
import { ACCOUNT } from "../ids";
import * as kinds from "../kinds";
import { findNow } from "../records";
import { vpcOfGroup } from "../vpc-model";
import { applyVpcOf } from "../network";

/** The attribute with the account id. */
export const owner = { ownerId: ACCOUNT };

/** Returns the VPC of a security group. Throws AWS's error if the group does not exist. */
export function vpcOfExistingGroup(state: State, groupId: string): string {
  const vpcId = vpcOfGroup(state, groupId);
  if (vpcId !== undefined) {
    return vpcId;
  }
  throw new ApiError("InvalidGroup.NotFound", `The security group '${groupId}' does not exist`);
}

/** Applies the VPC of a route table to the machine. */
export async function applyVpcOfRouteTable(routeTableId: string): Promise<void> {
  const table = findNow(kinds.routeTable, routeTableId);
  if (table) {
    await applyVpcOf(table);
  }
}

/** AWS's error for a resource in use, for the types with this form of message. */
export const hasDependencies = (what: string, id: string) =>
  new ApiError(
    "DependencyViolation",
    `The ${what} '${id}' has dependencies and cannot be deleted.`,
  );
