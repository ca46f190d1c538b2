import { isHere } from "../../local-cloud/machine/owner";
import { readState, type State } from "../../local-cloud/machine/store";
import { resourcesInFile, type StateResource } from "../pulumi/stacks";

/** What is asked of the records before a command. */
export type Judged = "up" | "change" | "restore" | "destroy";

/**
 * Whether there is any reason to judge the lab: a lab of the account is another checkout's, or Pulumi's
 * state has lost what the local cloud has, or it cannot be read.
 */
export function isOdd(command: Judged, stack: string): boolean {
  return findsOdd(command, stack, readState(), resourcesInFile(stack), isHere);
}

/**
 * @param known The resources in Pulumi's state of the stack; `undefined` if it cannot be read.
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
