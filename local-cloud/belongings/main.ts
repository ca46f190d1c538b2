/**
 * Whose a lab is, and what belongs to it, by the local cloud's own records: whatever Pulumi's state says.
 * lab.sh runs it where a first look has found a reason.
 *
 *   main.ts up STACK         refuses a lab of another checkout, and one that Pulumi's state has lost in part
 *   main.ts change STACK     refuses a lab of another checkout
 *   main.ts restore          as change, for all labs of the account
 *   main.ts destroy STACK    removes what no state of Pulumi knows
 *   main.ts take-over STACK  makes the lab this checkout's
 */
import { foreign, foreignOwner, isHere, own } from "../machine/owner";
import { changeState, readState } from "../machine/store";
import { Refusal } from "../checkpoint/refusal";
import { withStacksLocked } from "../checkpoint/stacks";
import { disown, isNamedByInputs, removeLost } from "../aws/removal";
import { describe, idsKnown, lostOf, removeStateFile, stateFile, unreadable } from "./lost";

async function main(command: string, name = ""): Promise<void> {
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
    default:
      throw new Error(`unknown command ${command}`);
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
  say(
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
    say(`Pulumi's state of the stack ${name}, ${stateFile(name)}, cannot be read: ${fault}`);
  }
  const lost = lostOf(stack, idsKnown(name));
  if (lost.length > 0) {
    say(`removing what Pulumi's state has lost: ${describe(lost)}`);
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
  say(`the lab of the stack ${name} is this checkout's now`);
}

function say(text: string): void {
  console.error(text);
}

// Services on hosts and dnsmasq read what it makes, whatever umask the user has.
process.umask(0o022);

const [command = "", stackName] = process.argv.slice(2);

main(command, stackName).catch((error: unknown) => {
  if (error instanceof Refusal) {
    console.error([`kafkalab: ${error.message}`, ...error.remedies].join("\n  "));
  } else {
    console.error(error);
  }
  process.exitCode = 1;
});
