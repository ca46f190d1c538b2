import { spawnSync } from "node:child_process";
import { renderScript } from "../../../shared/remote-script";

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

/** What a script has printed. */
export interface Printed {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs lines after functions of `scripts/remote/`, as a host would, but not the files' last line. */
export function runFunctions(
  files: string[],
  lines: string,
  variables: Record<string, string>,
): Printed {
  const all = { HOST: "peter-test01", ...variables };
  const script = renderScript(["common.sh", ...files], all).replaceAll(/^main <.*/gm, "");
  const { status, stdout, stderr } = spawnSync("bash", ["-s"], { input: `${script}\n${lines}` });
  return { status, stdout: stdout.toString(), stderr: stderr.toString() };
}
