import { spawn } from "node:child_process";

/** Variables of a process. */
export type Environment = NodeJS.ProcessEnv;

/** A process that has ended well. */
export interface Finished {
  seconds: number;
  stdout: string;
  /** Each line of stdout, with the seconds after the start at which it came. */
  lines: { at: number; text: string }[];
}

interface RunOptions {
  cwd?: string;
  env: Environment;
  /** After this many seconds it is killed, with all that it has started. */
  limitSeconds: number;
  /** What it reads; by default nothing. */
  input?: string;
}

/** The process groups that run, so that an interrupt ends them. */
const groups = new Set<number>();
let interrupted = false;

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    interrupted = true;
    groups.forEach((group) => signalGroup(group, "SIGTERM"));
  });
}

/** Runs a command to its end and takes its time. One that fails is an error with what it said. */
export function run(argv: string[], options: RunOptions): Promise<Finished> {
  const [program = "", ...args] = argv;
  const { cwd, env, limitSeconds, input } = options;
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const elapsed = () => (performance.now() - started) / 1000;
    const child = spawn(program, args, {
      cwd,
      env,
      detached: true,
      stdio: "pipe",
    });
    child.stdin.on("error", () => undefined).end(input); // it need not read all
    const { pid } = child;
    if (pid !== undefined) {
      groups.add(pid);
    }
    let stdout = "";
    let both = "";
    let rest = "";
    let late = false;
    const lines: Finished["lines"] = [];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      both += text;
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      lines.push(...parts.map((line) => ({ at: elapsed(), text: line })));
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      both += text;
    });
    const timer = setTimeout(() => {
      late = true;
      if (pid !== undefined) {
        signalGroup(pid, "SIGKILL");
      }
    }, limitSeconds * 1000);
    child.on("error", reject);
    child.on("exit", (code) => {
      clearTimeout(timer);
      const seconds = elapsed();
      if (pid !== undefined) {
        groups.delete(pid);
      }
      if (code === 0) {
        // What it said last may still be on its way.
        setImmediate(() => resolve({ seconds, stdout, lines }));
        return;
      }
      const why = late ? `not ended after ${limitSeconds} s` : `ended with ${code ?? "a signal"}`;
      reject(new Error(`${argv.join(" ")}: ${why}; it said:\n${both.slice(-3000)}`));
    });
  });
}

/** Whether the user has asked to stop. */
export const wasInterrupted = () => interrupted;

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch {
    // ended meanwhile
  }
}
