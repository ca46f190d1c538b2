import { foreign, foreignOwner, isHere, own } from "../../local-cloud/machine/owner";
import { changeState, readState } from "../../local-cloud/machine/store";
import { Refusal } from "../lib/refusal";
import { disown, isNamedByInputs, removeLost } from "../../local-cloud/aws/removal";
import { tell } from "../lib/output";
import { stateFile, withStacksLocked } from "../pulumi/backend";
import { describe, idsKnown, lostOf, removeStateFile, unreadable } from "./lost";

/*
 * Decides who owns a lab and which resources belong to it. The local cloud's records count, not Pulumi's
 * state.
 */

/** A command that needs a check before it changes a lab. */
export type Judged = "up" | "change" | "restore" | "destroy";

/**
 * Checks whether a command may change the lab of a local stack.
 *
 *   up         rejects a lab of another checkout, and a lab with resources that Pulumi's state has lost
 *   change     rejects a lab of another checkout
 *   restore    like change, for all labs of the account
 *   destroy    removes resources that no state of Pulumi contains
 *   take-over  makes this checkout the owner of the lab
 *
 * @throws Refusal with the remedies.
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
    `the checkout that created this lab, ${before.directory}, no longer exists; this checkout owns the lab now`,
  );
}

async function refuseLost(stack: string, name: string): Promise<void> {
  const remedies = [
    "To restore state and disks from a checkpoint: npm run checkpoint -- list; npm run checkpoint -- restore NAME",
    "To remove the lab with its data and create a new one: npm run destroy",
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
      `Pulumi's state of the stack ${name} has lost ${lost.length} existing resources of the lab: ${describe(lost)}.`,
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
    tell(`removing resources that Pulumi's state has lost: ${describe(lost)}`);
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
  tell(`the lab of the stack ${name} now belongs to this checkout`);
}
