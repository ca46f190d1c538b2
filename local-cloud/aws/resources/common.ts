import type { State } from "../../machine/store";
import { ApiError } from "../api-error";
import { ACCOUNT } from "../ids";
import * as kinds from "../kinds";
import { findNow } from "../records";
import { vpcOfGroup } from "../vpc-model";
import { applyVpcOf } from "../network";

/** The attribute that names the account. */
export const owner = { ownerId: ACCOUNT };

/** The VPC of a security group, or AWS's error if there is no such group. */
export function vpcOfExistingGroup(state: State, groupId: string): string {
  const vpcId = vpcOfGroup(state, groupId);
  if (vpcId !== undefined) {
    return vpcId;
  }
  throw new ApiError("InvalidGroup.NotFound", `The security group '${groupId}' does not exist`);
}

/** Hands the VPC of a route table to the machine. */
export async function applyVpcOfRouteTable(routeTableId: string): Promise<void> {
  const table = findNow(kinds.routeTable, routeTableId);
  if (table) {
    await applyVpcOf(table);
  }
}

/** AWS's error for a resource that others use, where its message has this form. */
export const hasDependencies = (what: string, id: string) =>
  new ApiError(
    "DependencyViolation",
    `The ${what} '${id}' has dependencies and cannot be deleted.`,
  );
