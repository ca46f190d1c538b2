import { spawn } from "node:child_process";
import { once } from "node:events";

/** What a command left behind when it ended. */
export interface Ended {
  /** Exit status, or the name of the signal that ended it. */
  status: number | string;
  stdout: string;
  stderr: string;
  /** Both streams, as they came. */
  output: string;
}

/** How a command is run. */
export interface RunOptions {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** What it reads on standard input. @default nothing */
  input?: string;
  /** After this it is killed, and {@link run} throws. @default 60 */
  timeoutSeconds?: number;
}

/** A command that runs. */
export interface Running {
  pid: number;
  /** Both streams, as far as they have come. */
  output: () => string;
  ended: Promise<Ended>;
}

/** Starts a command. */
export function start(argv: readonly string[], options: RunOptions = {}): Running {
  const [program = "", ...args] = argv;
  const timeoutSeconds = options.timeoutSeconds ?? 60;
  const child = spawn(program, args, { env: options.env ?? process.env, cwd: options.cwd });
  const all: Buffer[] = [];
  const streams = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].on("data", (chunk: Buffer) => {
      streams[name].push(chunk);
      all.push(chunk);
    });
  }
  child.stdin.on("error", () => undefined); // it did not want all of it
  child.stdin.end(options.input ?? "");
  const output = () => Buffer.concat(all).toString();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, timeoutSeconds * 1000);
  // Listened for from now on: it may come at once after the end.
  const closed = once(child, "close").catch(() => undefined);
  // A daemon that it leaves behind may keep the streams: its own end is what counts.
  const ended = once(child, "exit").then(async ([code, signal]) => {
    clearTimeout(timer);
    await Promise.race([closed, delay(500)]);
    child.stdout.destroy();
    child.stderr.destroy();
    if (late) {
      throw new Error(
        `${argv.join(" ")} not ended after ${timeoutSeconds}s; last saw ${lastLine(output())}`,
      );
    }
    return {
      status: (code ?? signal) as number | string,
      stdout: Buffer.concat(streams.stdout).toString(),
      stderr: Buffer.concat(streams.stderr).toString(),
      output: output(),
    };
  });
  ended.catch(() => undefined); // whoever awaits it sees the error
  return { pid: child.pid ?? -1, output, ended };
}

/** Runs a command to its end, whatever its status. */
export function run(argv: readonly string[], options?: RunOptions): Promise<Ended> {
  return start(argv, options).ended;
}

/** Runs a command that must succeed, and returns its standard output. */
export async function must(argv: readonly string[], options?: RunOptions): Promise<string> {
  const { status, stdout, output } = await run(argv, options);
  if (status !== 0) {
    throw new Error(`${argv.join(" ")} ended with ${status}: ${output.trim().slice(-4000)}`);
  }
  return stdout;
}

/**
 * Waits until `probe` returns what is waited for. While it returns a text, that is what it saw
 * instead.
 */
export async function waitFor<T extends object>(
  what: string,
  state: string,
  seconds: number,
  probe: () => Promise<T | string> | T | string,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const seen = await probe();
    if (typeof seen !== "string") {
      return seen;
    }
    if (Date.now() > deadline) {
      throw new Error(`${what} not ${state} after ${seconds}s; last saw ${seen}`);
    }
    await delay(25);
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What a command printed last. */
export function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) || "nothing";
}
