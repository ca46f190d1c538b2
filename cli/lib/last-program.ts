import { writeSync } from "node:fs";

/** The program in which a command ends. */
export interface LastProgram {
  argv: string[];
  /** @default the checkout */
  directory?: string;
}

/** The file descriptor on which `lab.sh` reads the program. */
const DESCRIPTOR = 3;

/**
 * The arguments of `env` that lead from one environment to another.
 *
 * @param before The environment of the shell that becomes the program.
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

/** Hands the program over to `lab.sh`, which becomes it when this process has ended. */
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
