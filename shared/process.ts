import { spawn } from "node:child_process";

/** A system tool could not start, or its exit status was not 0. */
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
 * @param argv The program and its arguments. It runs without a shell.
 * @param input The program's standard input. @default nothing
 * @param signal Aborts the program.
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
    child.stdin.on("error", () => undefined); // EPIPE: the tool did not read all of it
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
