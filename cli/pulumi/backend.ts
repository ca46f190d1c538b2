import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import { userName } from "../../local-cloud/machine/owner";
import { stateDir } from "../../local-cloud/machine/paths";
import { Refusal } from "../lib/refusal";

/** The directory of Pulumi's state on the local target, below the path of its backend's URL. */
export const backendDir = join(stateDir, "pulumi/.pulumi");

export const stacksDir = join(backendDir, "stacks");

/** The state file of a stack on the local target. */
export const stateFile = (stack: string): string => join(stacksDir, "kafkalab", `${stack}.json`);

/** The names of the stacks in a directory of state files. */
export function stacksIn(dir: string): string[] {
  const project = join(dir, "kafkalab");
  if (!existsSync(project)) {
    return [];
  }
  return readdirSync(project)
    .filter((file) => file.endsWith(".json"))
    .map((file) => basename(file, ".json"));
}

/**
 * Locks the stacks with Pulumi's own kind of lock while `action` runs. Does nothing if Pulumi works on one of
 * them.
 */
export async function withStacksLocked<T>(
  stacks: string[],
  action: () => Promise<T> | T,
): Promise<T> {
  const locks: string[] = [];
  const unlock = () => locks.forEach((file) => rmSync(file, { force: true }));
  try {
    for (const stack of stacks) {
      locks.push(lock(stack));
    }
    return await action();
  } finally {
    unlock();
  }
}

const lockName = `checkpoint-${process.pid}.json`;

/** Locks a stack like Pulumi: writes the lock file, then checks that it is the only one. */
function lock(stack: string): string {
  const dir = join(backendDir, "locks/organization/kafkalab", stack);
  mkdirSync(dir, { recursive: true, mode: 0o755 });
  const file = join(dir, lockName);
  const content = {
    pid: process.pid,
    username: userName(),
    hostname: hostname(),
    timestamp: new Date(),
  };
  writeFileSync(file, JSON.stringify(content), { mode: 0o600 });
  const others = readdirSync(dir).filter((name) => name.endsWith(".json") && name !== lockName);
  if (others.length === 0) {
    return file;
  }
  rmSync(file);
  throw new Refusal(
    `the stack ${stack} is being changed by another command (${others.map((name) => holder(join(dir, name))).join(", ")}).`,
    "Wait until that has ended.",
  );
}

function holder(file: string): string {
  try {
    return `process ${(JSON.parse(readFileSync(file, "utf8")) as { pid: number }).pid}`;
  } catch {
    return file; // the other command has just ended, or is writing the file
  }
}
