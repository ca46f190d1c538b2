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

/** Prepares a lab for `pulumi up` or `pulumi preview`. */
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

/** Whether these flags of pulumi exclude a part of the stack. */
export function isTargeted(flags: readonly string[]): boolean {
  return flags.some((flag) => /^(--target|-t|--exclude)(=|$)/.test(flag));
}

/**
 * Rejects targets in a new lab. Pulumi does not create excluded resources, so the program would miss keys and
 * addresses, and fail with a stack trace.
 *
 * @throws Refusal if there is no resource yet.
 */
export function refuseNewLab(resources: readonly StateResource[]): void {
  const made = resources.some(({ type, id }) => id !== undefined && !type.startsWith("pulumi:"));
  if (!made) {
    throw new Refusal(
      "--target and --exclude must name existing resources; this lab has none yet.",
      "Create the whole lab first: npm run up",
    );
  }
}

/** Throws a Refusal after an interrupted restore: disks and states may be from different points in time. */
export function refuseHalfRestored(...remedies: string[]): void {
  const exchange = exchangeBegun();
  if (exchange !== undefined) {
    throw new Refusal(
      `a restore of the checkpoint "${exchange.name}" is incomplete.`,
      `Complete it first: npm run checkpoint -- restore ${exchange.name}`,
      ...remedies,
    );
  }
}

/** Changes the owner of a file that root created in a user's checkout, so that the user can change it. */
function giveAway(file: string): void {
  const { uid, gid } = statSync(root);
  if (process.getuid?.() === 0 && uid !== 0 && lstatSync(file, { throwIfNoEntry: false })) {
    lchownSync(file, uid, gid);
  }
}
