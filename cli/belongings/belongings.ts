import { foreign, foreignOwner, isHere, own } from "../../local-cloud/machine/owner";
import { changeState, readState } from "../../local-cloud/machine/store";
import { Refusal } from "../lib/refusal";
import { disown, isNamedByInputs, removeLost } from "../../local-cloud/aws/removal";
import { tell } from "../lib/output";
import { stateFile, withStacksLocked } from "../pulumi/backend";
import { describe, idsKnown, lostOf, removeStateFile, unreadable } from "./lost";

/*
 * Whose a lab is, and what belongs to it, by the local cloud's own records, whatever Pulumi's state says.
 */

/** A command that must ask before it touches a lab. */
export type Judged = "up" | "change" | "restore" | "destroy";

/**
 * Judges whether a command may have the lab of a local stack.
 *
 *   up         refuses a lab of another checkout, and one that Pulumi's state has lost in part
 *   change     refuses a lab of another checkout
 *   restore    as change, for all labs of the account
 *   destroy    removes what no state of Pulumi knows
 *   take-over  makes the lab this checkout's
 *
 * @throws Refusal with the way to mean it.
 */
export async function judge(command: Judged | "take-over", name: string): Promise<void> {
  const stack = `urn:pulumi:${name}::kafkalab`;
  switch (command) {
    case "up":
      await refuseForeign(stack);
      return refuseLost(stack, name);
    case "change":
      return refuseForeign(stack);
    case "restore":
      for (const each of Object.keys(readState().owners ?? {})) {
        await refuseForeign(each);
      }
      return;
    case "destroy":
      await refuseForeign(stack);
      return withStacksLocked([name], () => destroyLost(stack, name));
    case "take-over":
      return takeOver(stack, name);
  }
}

async function refuseForeign(stack: string): Promise<void> {
  const owner = foreignOwner(readState(), stack);
  if (owner) {
    const { message, remedies } = foreign(owner);
    throw new Refusal(message, ...remedies);
  }
  const before = readState().owners?.[stack];
  if (before === undefined || isHere(before.directory)) {
    return;
  }
  await changeState((state) => own(state, stack));
  tell(
    `the checkout that made this lab, ${before.directory}, is not there any more; this one has it now`,
  );
}

async function refuseLost(stack: string, name: string): Promise<void> {
  const remedies = [
    "To put back state and disks as they were at a checkpoint: npm run checkpoint -- list; npm run checkpoint -- restore NAME",
    "To remove the lab with its data and begin again: npm run destroy",
  ];
  const fault = unreadable(name);
  if (fault !== undefined) {
    throw new Refusal(
      `Pulumi's state of the stack ${name}, ${stateFile(name)}, cannot be read: ${fault}`,
      ...remedies,
    );
  }
  const lost = lostOf(stack, idsKnown()).filter((record) => record.acknowledged && !record.leaving);
  const made = lost.filter(isNamedByInputs);
  if (made.length === lost.length) {
    return disown(made);
  }
  if (lost.length > 0) {
    throw new Refusal(
      `Pulumi's state of the stack ${name} has lost ${lost.length} resources of the lab that are there: ${describe(lost)}.`,
      ...remedies,
    );
  }
}

async function destroyLost(stack: string, name: string): Promise<void> {
  const fault = unreadable(name);
  if (fault !== undefined) {
    tell(`Pulumi's state of the stack ${name}, ${stateFile(name)}, cannot be read: ${fault}`);
  }
  const lost = lostOf(stack, idsKnown(name));
  if (lost.length > 0) {
    tell(`removing what Pulumi's state has lost: ${describe(lost)}`);
  }
  await removeLost(stack, idsKnown(name));
  if (fault !== undefined) {
    removeStateFile(name);
  }
}

async function takeOver(stack: string, name: string): Promise<void> {
  const state = readState();
  if (!Object.values(state.records).some(({ urn }) => urn.startsWith(`${stack}::`))) {
    throw new Refusal(`there is no lab of the stack ${name}.`, "Make one with: npm run up");
  }
  await changeState((state) => own(state, stack));
  tell(`the lab of the stack ${name} is this checkout's now`);
}
