import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { shellQuote } from "../../shared/quote";

const DIRECTORY = join(__dirname, "../../scripts/remote");

/**
 * Puts files of `scripts/remote/` together to one script: the variables first, shell-quoted, then
 * the files in order, without the lines that are comments: a changed comment runs nothing again.
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

/** A short text that changes whenever one of the values does. */
export function fingerprint(...values: unknown[]): string {
  return createHash("sha256").update(JSON.stringify(values)).digest("hex").slice(0, 16);
}
