import { existsSync, readFileSync } from "node:fs";
import { run } from "../../shared/process";
import { Refusal } from "../lib/refusal";
import { enter, type Stack, stackNamed } from "../lib/stack";
import { stateFile } from "./backend";

/** A resource in Pulumi's state, as far as commands read it. */
export interface StateResource {
  urn: string;
  type: string;
  id?: string;
  parent?: string;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
  /** ISO 8601. */
  created?: string;
  delete?: boolean;
  pendingReplacement?: boolean;
}

/** Whether the stack is there. */
export async function isStackThere({ name, target }: Stack): Promise<boolean> {
  if (target === "local") {
    return existsSync(stateFile(name));
  }
  return run(["pulumi", "stack", "output", "--stack", name, "--json"]).then(
    () => true,
    () => false,
  );
}

/**
 * Enters the environment of a stack, which must be there, and returns the stack.
 *
 * @throws Refusal if there is no stack of that name.
 */
export async function enterExisting(name: string): Promise<Stack> {
  const stack = stackNamed(name);
  await enter(stack);
  if (!(await isStackThere(stack))) {
    throw new Refusal(`there is no stack ${stack.name}.`, "Make it with: npm run up");
  }
  return stack;
}

/**
 * The resources in Pulumi's state of a stack that is there.
 *
 * @param secrets Whether secrets are in the clear. Pulumi needs a second for either.
 */
export async function exportedResources(
  { name }: Stack,
  secrets: "clear" | "encrypted",
): Promise<StateResource[]> {
  const flags = secrets === "clear" ? ["--show-secrets"] : [];
  const text = await run(["pulumi", "stack", "export", "--stack", name, ...flags]);
  const { deployment } = JSON.parse(text) as { deployment: { resources?: StateResource[] | null } };
  return deployment.resources ?? [];
}

/** The resources that the state file of a local stack has; `undefined` if it cannot be read. */
export function resourcesInFile(stack: string): StateResource[] | undefined {
  try {
    const { checkpoint } = JSON.parse(readFileSync(stateFile(stack), "utf8")) as {
      checkpoint?: { latest?: { resources?: StateResource[] | null } | null };
    };
    return checkpoint?.latest?.resources ?? [];
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? [] : undefined;
  }
}
