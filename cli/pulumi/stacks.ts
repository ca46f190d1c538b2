import { existsSync, readFileSync } from "node:fs";
import { run } from "../../shared/process";
import { Refusal } from "../lib/refusal";
import { enter, type Stack, stackNamed } from "../lib/stack";
import { stateFile } from "./backend";

/** The part of a resource in Pulumi's state that commands read. */
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

/** Whether the stack exists. */
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
 * Enters the environment of an existing stack, and returns the stack.
 *
 * @throws Refusal if the stack does not exist.
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
 * The resources in Pulumi's state of an existing stack.
 *
 * @param secrets Whether to decrypt secrets. Pulumi needs a second in both cases.
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

/** The resources in the state file of a local stack; `undefined` if it is unreadable. */
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
