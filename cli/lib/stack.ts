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

/** The stack of a command. */
export interface Stack {
  name: string;
  target: Target;
}

/**
 * Returns a stack by name.
 *
 * @throws Refusal if the name is invalid.
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
 * Runs the setup for the stack's target, and enters its environment.
 *
 * @param flags Flags of pulumi. They may contain releases.
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
  // The lab has its own keys. The command plugin would also use an SSH agent, and fail if the user's agent
  // does not run.
  delete process.env["SSH_AUTH_SOCK"];
}
