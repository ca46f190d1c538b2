import { Refusal } from "./refusal";
import { root } from "./places";
import {
  enterEnvironment,
  localEnvironment,
  toolEnvironment,
  withoutStackTraces,
} from "./environment";
import { setUp } from "./setup";
import { releasesNamed, stackFileOf, type Target } from "./stack-file";

/** The stack that a command is about. */
export interface Stack {
  name: string;
  target: Target;
}

/**
 * The stack of that name.
 *
 * @throws Refusal if a stack cannot have that name.
 */
export function stackNamed(name: string): Stack {
  if (!/^[A-Za-z0-9_.-]+$/.test(name)) {
    throw new Refusal(
      `the stack must have a name of letters, digits, '-', '_' and '.'; got ${name}`,
    );
  }
  return { name, target: stackFileOf(name, root).target };
}

/**
 * Sets up what the stack's target needs, and enters its environment.
 *
 * @param flags Flags of pulumi, which may name releases.
 */
export async function enter(stack: Stack, flags: readonly string[] = []): Promise<void> {
  if (stack.target === "local") {
    await setUp("lab", releasesNamed(stack.name, root, flags));
    enterEnvironment(localEnvironment(process.env));
    enterEnvironment(withoutStackTraces(process.env));
  } else {
    await setUp("tools");
    enterEnvironment(toolEnvironment(process.env));
  }
  // The lab has keys of its own. The command plugin would also call an SSH agent, and fail if the
  // user's agent is gone.
  delete process.env["SSH_AUTH_SOCK"];
}
