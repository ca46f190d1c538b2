import { spawnSync } from "node:child_process";

const FIRST_COMMAND = "\nset -euo pipefail\n";

/**
 * What a shell reads from the variables at the head of a script, each with a `|` after it. No more
 * than these lines is run: the rest is for a host, and would change this machine.
 */
export function readVariables(script: string, names: string[]): string {
  const end = script.indexOf(FIRST_COMMAND);
  if (end < 0) {
    throw new Error(`the script must have the line "${FIRST_COMMAND.trim()}" after its variables`);
  }
  const print = names.map((name) => `printf '%s|' "$${name}"`).join("\n");
  return spawnSync("bash", { input: `${script.slice(0, end)}\n${print}` }).stdout.toString();
}
