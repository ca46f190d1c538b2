import { judgeIfOdd } from "../belongings/first-look";
import { abandonRestore } from "../checkpoint/commands";
import { checkpoints } from "../checkpoint/store";
import { runAttached } from "../lib/child";
import { type LabCommand, type Outcome, passesFlags, stackOption } from "../lib/command";
import { EXIT_STATUS } from "../lib/exit-status";
import { tell } from "../lib/output";
import { canAsk, isConfirmed } from "../lib/question";
import { enter, type Stack, stackNamed } from "../lib/stack";
import { forgetStack } from "../pulumi/forget";
import { inventoryOf, renderInventory } from "../pulumi/inventory";
import { refuseHalfRestored } from "../pulumi/prepare";
import { recoverState } from "../pulumi/recover";
import { isStackThere } from "../pulumi/stacks";

interface Options {
  stack: string;
  abandonRestore?: boolean;
  yes?: boolean;
}

export const command: LabCommand = {
  summary: "remove the lab with its data; checkpoints stay",
  examples: [
    "npm run destroy",
    "npm run destroy -- --yes",
    "npm run destroy -- -s dev",
    "npm run destroy -- --abandon-restore",
  ],
  define(command, act) {
    passesFlags(command.addOption(stackOption()), "pulumi destroy")
      .option("-y, --yes", "do not ask; without a terminal the command never asks")
      .option("--abandon-restore", "abandon an incomplete restore of a checkpoint")
      .action(
        act(async (flags: string[], options: Options) => {
          const stack = stackNamed(options.stack);
          return destroy(stack, flags, options);
        }),
      );
  },
};

/** Whether pulumi destroys the whole stack with these flags. */
export function isWhole(flags: readonly string[]): boolean {
  return !flags.some((flag) => /^(--target|-t$|--exclude|--preview-only)/.test(flag));
}

async function destroy(stack: Stack, flags: string[], options: Options): Promise<Outcome> {
  const whole = isWhole(flags);
  await enter(stack);
  if (stack.target === "local") {
    await recoverState(stack.name);
    await judgeIfOdd("change", stack.name);
  }
  if (!options.abandonRestore) {
    refuseHalfDestroyed(stack);
  }
  if (whole && !(await mayRemove(stack, options.yes ?? false))) {
    return EXIT_STATUS.interrupted;
  }
  if (stack.target === "local") {
    if (options.abandonRestore) {
      await abandonRestore();
    }
    refuseHalfDestroyed(stack);
    await judgeIfOdd(whole ? "destroy" : "change", stack.name);
  }
  if (!(await isStackThere(stack))) {
    tell(`there is no stack ${stack.name}; nothing more to destroy`);
    return forget(stack);
  }
  const own = ["--stack", stack.name, "--yes", "--skip-preview", "--suppress-progress"];
  const status = await runAttached(["pulumi", "destroy", ...own, ...flags]);
  if (status !== 0 || !whole) {
    return status;
  }
  // Remove lost resources again: before pulumi ran, other resources may still have used them.
  if (stack.target === "local") {
    await judgeIfOdd("destroy", stack.name);
  }
  const removed = ["pulumi", "stack", "rm", "--stack", stack.name, "--yes", "--preserve-config"];
  return (await runAttached(removed as [string, ...string[]])) || forget(stack);
}

function refuseHalfDestroyed(stack: Stack): void {
  if (stack.target === "local") {
    refuseHalfRestored(
      "Or abandon it, and remove the hosts and disks that it has restored; checkpoints stay:",
      "npm run destroy -- --abandon-restore",
    );
  }
}

/** Prints what is about to be removed. Asks for confirmation on a terminal. */
async function mayRemove(stack: Stack, confirmed: boolean): Promise<boolean> {
  const inventory = await inventoryOf(stack);
  if (inventory.resources === 0) {
    return true;
  }
  tell(renderInventory(inventory, stack));
  if (confirmed || !canAsk() || (await isConfirmed("Remove it?"))) {
    return true;
  }
  tell("nothing was removed");
  return false;
}

/** Removes the files of the stack, and prints which checkpoints stay. */
function forget(stack: Stack): number {
  forgetStack(stack);
  const names = stack.target === "local" ? checkpoints().map(({ name }) => name).sort() : []; // prettier-ignore
  if (names.length > 0) {
    const all = names.join(" ");
    tell(
      `the lab's checkpoints stay: ${all} (remove them with: npm run checkpoint -- delete ${all})`,
    );
  }
  return EXIT_STATUS.done;
}
