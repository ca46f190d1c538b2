import { isHere } from "../../local-cloud/machine/owner";
import { readState, type State } from "../../local-cloud/machine/store";
import { resourcesInFile, type StateResource } from "../pulumi/stacks";
import type { Judged } from "./belongings";

/**
 * Calls `judge` only if a quick check of the records finds a reason. A reason is rare, and only `judge`
 * needs the resource types of the local cloud, which load slowly.
 */
export async function judgeIfOdd(command: Judged, name: string): Promise<void> {
  if (isOdd(command, name)) {
    const { judge } = await import("./belongings.js");
    await judge(command, name);
  }
}

/**
 * Whether there is a reason to call `judge`: another checkout owns a lab of the account, Pulumi's state has
 * lost a resource, or the state is unreadable.
 */
function isOdd(command: Judged, stack: string): boolean {
  return findsOdd(command, stack, readState(), resourcesInFile(stack), isHere);
}

/**
 * @param known The resources in Pulumi's state of the stack; `undefined` if it is unreadable.
 * @param here Whether a directory is this checkout.
 */
export function findsOdd(
  command: Judged,
  stack: string,
  cloud: State,
  known: readonly StateResource[] | undefined,
  here: (directory: string) => boolean,
): boolean {
  if (known === undefined) {
    return true;
  }
  const ids = new Set(known.map(({ id }) => id));
  const isLost = Object.values(cloud.records).some(
    ({ id, urn, acknowledged, leaving }) =>
      urn.startsWith(`urn:pulumi:${stack}::`) &&
      (command === "destroy" || (acknowledged && !leaving)) &&
      !ids.has(id),
  );
  return (
    (isLost && (command === "up" || command === "destroy")) ||
    Object.values(cloud.owners ?? {}).some(({ directory }) => !here(directory))
  );
}
