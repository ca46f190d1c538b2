import { spawn } from "node:child_process";

/** The environment variables of a process. */
export type Environment = NodeJS.ProcessEnv;

/** The result of a successful process. */
export interface Finished {
  seconds: number;
  stdout: string;
  /** Each line of stdout, with the seconds since the start. */
  lines: { at: number; text: string }[];
}

interface RunOptions {
  cwd?: string;
  env: Environment;
  /** After this time the process is killed, with all of its child processes. */
  limitSeconds: number;
  /** Its standard input. @default nothing */
  input?: string;
}

/** The running process groups. An interrupt ends them. */
const groups = new Set<number>();
let interrupted = false;

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    interrupted = true;
    groups.forEach((group) => signalGroup(group, "SIGTERM"));
  });
}

/** Runs a command and measures its time. Throws an error with its output if it fails. */
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
    child.stdin.on("error", () => undefined).end(input); // it may not read all of its input
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
        // The last output may not have arrived yet.
        setImmediate(() => resolve({ seconds, stdout, lines }));
        return;
      }
      const why = late ? `not ended after ${limitSeconds} s` : `ended with ${code ?? "a signal"}`;
      reject(new Error(`${argv.join(" ")}: ${why}; it said:\n${both.slice(-3000)}`));
    });
  });
}

/** Whether the user has interrupted the bench. */
export const wasInterrupted = () => interrupted;

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch {
    // it has ended
  }
}
