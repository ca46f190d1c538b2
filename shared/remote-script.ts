import { readFileSync } from "node:fs";
import { join } from "node:path";
import { shellQuote } from "./quote";

const DIRECTORY = join(__dirname, "../scripts/remote");

/**
 * Combines files of `scripts/remote/` into one script: first the shell-quoted variables, then the files in
 * order. Removes comment lines, so that a changed comment does not run a script again.
 */
export function renderScript(files: string[], variables: Record<string, string>): string {
  const assignments = Object.entries(variables).map(
    ([name, value]) => `${name}=${shellQuote(value)}\n`,
  );
  return `#!/bin/bash\n${assignments.join("")}${files.map(readBody).join("")}`;
}

function readBody(file: string): string {
  return readFileSync(join(DIRECTORY, file), "utf8").replace(/^\s*#.*\n/gm, "");
}
