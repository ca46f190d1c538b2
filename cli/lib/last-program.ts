import { writeSync } from "node:fs";

/** The program that replaces a command at its end. */
export interface LastProgram {
  argv: string[];
  /** @default the checkout */
  directory?: string;
}

/** The file descriptor on which `lab.sh` reads the program. */
const DESCRIPTOR = 3;

/**
 * The arguments of `env` that change one environment into another.
 *
 * @param before The environment of the shell that executes the program.
 */
export function environmentArguments(
  before: NodeJS.ProcessEnv,
  after: NodeJS.ProcessEnv,
): string[] {
  const gone = Object.keys(before).filter((name) => after[name] === undefined);
  const changed = Object.entries(after).filter(([name, value]) => before[name] !== value);
  return [
    ...gone.map((name) => `--unset=${name}`),
    ...changed.map(([name, value]) => `${name}=${value}`),
  ];
}

/** Passes the program to `lab.sh`, which executes it after this process has ended. */
export function handOver(
  { argv, directory = process.cwd() }: LastProgram,
  before: NodeJS.ProcessEnv,
): void {
  const changes = environmentArguments(before, process.env);
  const all = ["env", `--chdir=${directory}`, ...changes, ...argv];
  const bytes = Buffer.from(all.map((argument) => `${argument}\0`).join(""));
  for (let written = 0; written < bytes.length;) {
    written += writeSync(DESCRIPTOR, bytes, written);
  }
}
