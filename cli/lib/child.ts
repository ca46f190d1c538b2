import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";

/**
 * Runs a program on this process's own terminal until it ends, and returns its exit status. An
 * interrupt is for the program, which ends in good order; this process waits for it.
 */
export async function runAttached(argv: readonly [string, ...string[]]): Promise<number> {
  const [program, ...args] = argv;
  const ignore = () => undefined;
  process.on("SIGINT", ignore);
  const child = spawn(program, args, { stdio: "inherit" });
  const pass = (signal: NodeJS.Signals) => child.kill(signal);
  process.on("SIGTERM", pass).on("SIGHUP", pass);
  try {
    const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
    return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  } finally {
    process.off("SIGINT", ignore).off("SIGTERM", pass).off("SIGHUP", pass);
  }
}
