import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { EXIT_STATUS } from "./exit-status";

/**
 * Runs a program on this process's terminal until it ends. Returns its exit status. The program handles an
 * interrupt itself, and this process waits for it. An interrupted program counts as failed, even if it exits
 * with 0 as Pulumi does.
 */
export async function runAttached(argv: readonly [string, ...string[]]): Promise<number> {
  const [program, ...args] = argv;
  let interrupted = false;
  const note = () => {
    interrupted = true;
  };
  process.on("SIGINT", note);
  const child = spawn(program, args, { stdio: "inherit" });
  const pass = (signal: NodeJS.Signals) => child.kill(signal);
  process.on("SIGTERM", pass).on("SIGHUP", pass);
  try {
    const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
    const status = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
    return interrupted && status === 0 ? EXIT_STATUS.interrupted : status;
  } finally {
    process.off("SIGINT", note).off("SIGTERM", pass).off("SIGHUP", pass);
  }
}
