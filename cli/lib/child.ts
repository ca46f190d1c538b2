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

/** A wait for a signal that asks this process to end. */
export interface EndSignal {
  /** Resolves with the exit status for the first signal. */
  readonly status: Promise<number>;
  /** Whether a signal has come. */
  readonly isSent: boolean;
  /** Lets signals end this process again. */
  release(): void;
}

/** npm passes Ctrl-C on to its command, which has already got it from the terminal. */
const SAME_SIGNAL_MS = 500;

/**
 * Catches the signals that ask this process to end, so that the caller can end its work in order.
 *
 * @param again Called if the user asks again, because the work does not end.
 */
export function catchEnd(again: () => void = () => undefined): EndSignal {
  let first: number | undefined;
  let resolve: (status: number) => void = () => undefined;
  const status = new Promise<number>((settle) => (resolve = settle));
  const note = (signal: NodeJS.Signals) => {
    first ??= performance.now();
    if (performance.now() - first > SAME_SIGNAL_MS) {
      again();
    }
    resolve(128 + constants.signals[signal]);
  };
  process.on("SIGINT", note).on("SIGTERM", note).on("SIGHUP", note);
  return {
    status,
    get isSent() {
      return first !== undefined;
    },
    release: () => {
      process.off("SIGINT", note).off("SIGTERM", note).off("SIGHUP", note);
    },
  };
}
