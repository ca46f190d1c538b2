import { existsSync, lstatSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { stateDir } from "../../local-cloud/machine/paths";
import { checkpointsDir } from "../checkpoint/store";
import { accessDir } from "../hosts/access-files";
import type { Stack } from "../lib/stack";
import { backendDir, stacksIn, stateFile } from "./backend";

/** Removes the commands' own files of a deleted stack. */
export function forgetStack(stack: Stack): void {
  rmSync(accessDir(stack), { recursive: true, force: true });
  if (stack.target === "local") {
    forgetState(stack.name);
  }
}

/**
 * Removes Pulumi's files of a deleted stack, and the state directory if it is empty. Never removes data of
 * the local cloud or checkpoints: with these the directory is not empty, and stays.
 */
export function forgetState(stack: string): void {
  const stacks = join(backendDir, "stacks/kafkalab");
  if (existsSync(stateFile(stack))) {
    return;
  }
  // Pulumi's own backups, such as NAME.json.bak.
  for (const name of existsSync(stacks) ? readdirSync(stacks) : []) {
    if (name.startsWith(`${stack}.json.`)) {
      rmSync(join(stacks, name), { force: true });
    }
  }
  for (const kind of ["history", "backups"]) {
    rmSync(join(backendDir, kind, "kafkalab", stack), { recursive: true, force: true });
  }
  if (stacksIn(join(backendDir, "stacks")).length === 0) {
    rmSync(backendDir, { recursive: true, force: true });
    rmSync(join(stateDir, "home"), { recursive: true, force: true });
    removeEmpty(stateDir);
  }
}

/** Removes empty directories, the innermost first. */
function removeEmpty(directory: string): void {
  if (!existsSync(directory) || directory.startsWith(`${checkpointsDir}/`)) {
    return;
  }
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (lstatSync(path).isDirectory()) {
      removeEmpty(path);
    }
  }
  if (readdirSync(directory).length === 0) {
    rmdirSync(directory);
  }
}
