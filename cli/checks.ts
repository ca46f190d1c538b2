import { readFileSync } from "node:fs";
import { run } from "../shared/process";
import { runAttached } from "./lib/child";
import { EXIT_STATUS } from "./lib/exit-status";
import { print, tell } from "./lib/output";

const BIN = "node_modules/.bin";

/** The folders with shell files to check. */
const FOLDERS = [".ci", "bench", "cli", "local-cloud", "offline", "scripts", "test"];

/** Runs all checks, even if one fails. Changes nothing. Returns the exit status. */
export async function checkAll(): Promise<number> {
  const checks: Record<string, readonly [string, ...string[]]> = {
    format: [`${BIN}/prettier`, "--check", "--log-level", "warn", "."],
    lint: [`${BIN}/eslint`, "."],
    types: [`${BIN}/tsc`, "--noEmit"],
    shell: ["shellcheck", ...(await shellFiles())],
    unit: [`${BIN}/vitest`, "run", "--project", "unit"],
  };
  const failed: string[] = [];
  for (const [name, argv] of Object.entries(checks)) {
    print(`== ${name}`);
    if ((await runAttached(argv)) !== 0) {
      failed.push(name);
    }
  }
  if (failed.length > 0) {
    tell(`failed: ${failed.join(" ")}`);
  }
  return failed.length === 0 ? EXIT_STATUS.done : EXIT_STATUS.failed;
}

async function shellFiles(): Promise<string[]> {
  const list = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"];
  const files = (await run([...list, ...FOLDERS])).split("\0").filter((file) => file !== "");
  return files.filter(isShell);
}

function isShell(file: string): boolean {
  try {
    return /^#!.*\b(ba|da)?sh\b/.test(readFileSync(file, "latin1").split("\n", 1)[0] ?? "");
  } catch {
    return false; // a deleted file that is not committed yet, or a link to a directory
  }
}
