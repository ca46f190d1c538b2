import { lstatSync, lchownSync, statSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../shared/process";
import { judgeIfOdd } from "../belongings/first-look";
import { exchangeBegun } from "../checkpoint/store";
import { tell } from "../lib/output";
import { root } from "../lib/places";
import { Refusal } from "../lib/refusal";
import { enter, type Stack } from "../lib/stack";
import { recoverState } from "./recover";
import { exportedResources, isStackThere, resourcesInFile, type StateResource } from "./stacks";

/** Does all that must be done before Pulumi may change a lab, or say how it would. */
export async function prepareChange(stack: Stack, flags: readonly string[]): Promise<void> {
  await enter(stack, flags);
  if (stack.target === "local") {
    refuseHalfRestored();
    await recoverState(stack.name);
    await judgeIfOdd("up", stack.name);
  }
  const isThere = await isStackThere(stack);
  if (isTargeted(flags)) {
    refuseNewLab(isThere ? await resourcesOf(stack) : []);
  }
  if (!isThere) {
    tell((await run(["pulumi", "stack", "init", stack.name])).trimEnd());
    giveAway(join(root, `Pulumi.${stack.name}.yaml`));
  }
}

const resourcesOf = async (stack: Stack) =>
  (stack.target === "local" ? resourcesInFile(stack.name) : undefined) ??
  exportedResources(stack, "encrypted");

/** Whether these flags of pulumi leave out a part of the stack. */
export function isTargeted(flags: readonly string[]): boolean {
  return flags.some((flag) => /^(--target|-t|--exclude)(=|$)/.test(flag));
}

/**
 * Pulumi makes nothing of what a target leaves out. In a new lab the program would then look in vain for
 * keys and addresses, and end with a stack trace.
 *
 * @throws Refusal if there is no resource yet.
 */
export function refuseNewLab(resources: readonly StateResource[]): void {
  const made = resources.some(({ type, id }) => id !== undefined && !type.startsWith("pulumi:"));
  if (!made) {
    throw new Refusal(
      "--target and --exclude must name resources of a lab that is there; it has none yet.",
      "Make all of it first: npm run up",
    );
  }
}

/** Where a restore died, disks and states may be those of two times. */
export function refuseHalfRestored(...remedies: string[]): void {
  const exchange = exchangeBegun();
  if (exchange !== undefined) {
    throw new Refusal(
      `a restore of the checkpoint "${exchange.name}" did not come to its end.`,
      `End it first: npm run checkpoint -- restore ${exchange.name}`,
      ...remedies,
    );
  }
}

/** What root makes in somebody's checkout is that user's, who changes it later. */
function giveAway(file: string): void {
  const { uid, gid } = statSync(root);
  if (process.getuid?.() === 0 && uid !== 0 && lstatSync(file, { throwIfNoEntry: false })) {
    lchownSync(file, uid, gid);
  }
}
