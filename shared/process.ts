import { spawn } from "node:child_process";

/** A system tool that ended with a status other than 0. */
export class CommandError extends Error {
  constructor(
    readonly command: string,
    readonly status: number | string,
    readonly stderr: string,
  ) {
    super(`${command}: exit status ${status}: ${stderr.trim() || "no message"}`);
  }
}

/**
 * Runs a system tool and returns its standard output.
 *
 * @param argv The program and its arguments; no shell is involved.
 * @param input What the program reads on standard input. @default nothing
 * @param signal Ends the program.
 * @throws CommandError if the program cannot be started or its status is not 0.
 */
export function run(argv: readonly string[], input = "", signal?: AbortSignal): Promise<string> {
  const [program = "", ...args] = argv;
  const command = argv.join(" ");
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], signal });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.stdin.on("error", () => undefined); // EPIPE: the tool did not want all of it
    child.on("error", (error) => reject(new CommandError(command, "not started", error.message)));
    child.on("close", (code, signal) => {
      if (code === 0) {
        resolve(Buffer.concat(stdout).toString());
      } else {
        reject(new CommandError(command, code ?? signal ?? "?", Buffer.concat(stderr).toString()));
      }
    });
    child.stdin.end(input);
  });
}
