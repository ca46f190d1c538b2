import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { shellQuote } from "../../shared/quote";

/** A shell on a host, over SSH. */
export interface RemoteShell {
  readonly name: string;
  /** `ssh`, its options and the host. The caller may append a command. */
  sshArguments(): string[];
  /** Runs a command line and returns its output. Throws if it fails. */
  run(command: string, options?: { timeoutSeconds?: number; input?: string }): Promise<string>;
}

/**
 * A shell script that runs until this process releases it. The script waits until its standard input
 * closes. That happens even if this process is killed, so the script always undoes its changes.
 */
export class Session {
  /** The complete lines of standard output so far. */
  readonly lines: string[] = [];
  /** Resolves to the exit status or the name of the signal. */
  readonly ended: Promise<number | string>;
  private over = false;
  private errors = "";
  private readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  private readonly listeners = new Set<() => void>();

  /** @param argv The command that runs the script, for example `ssh` with a host. */
  constructor(
    readonly what: string,
    argv: string[],
  ) {
    const [program = "", ...args] = argv;
    // A separate process group, so that Ctrl+C in the terminal does not reach the command.
    this.child = spawn(program, args, { detached: true, stdio: ["pipe", "pipe", "pipe"] });
    this.child.stdin.on("error", () => undefined); // the command may have exited
    let rest = "";
    this.child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      const parts = (rest + chunk).split("\n");
      rest = parts.pop() ?? "";
      this.lines.push(...parts);
      this.notify();
    });
    this.child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      this.errors = (this.errors + chunk).slice(-4000);
    });
    this.ended = once(this.child, "close").then(([code, signal]) => {
      this.over = true;
      this.notify();
      return (code ?? signal) as number | string;
    });
    this.ended.catch(() => undefined); // the caller that awaits the promise gets the error
  }

  /** Starts a script on a host, as the login user. */
  static on(host: RemoteShell, what: string, script: string): Session {
    const [ssh = "", ...rest] = host.sshArguments();
    // A host without power does not close the connection.
    const alive = ["-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3"];
    return new Session(`${host.name}: ${what}`, [
      ...[ssh, ...alive, ...rest],
      `bash -c ${shellQuote(script)}`,
    ]);
  }

  /** Waits for a line that contains `part`. */
  async line(part: string, seconds: number): Promise<string> {
    const found = () => this.lines.find((line) => line.includes(part));
    const late = AbortSignal.timeout(seconds * 1000);
    while (found() === undefined && !this.over && !late.aborted) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.listeners.delete(wake);
          late.removeEventListener("abort", wake);
          resolve();
        };
        this.listeners.add(wake);
        late.addEventListener("abort", wake);
      });
    }
    const line = found();
    if (line === undefined) {
      const why = this.over ? "ended" : `did not do so within ${seconds}s`;
      throw new Error(`${this.what} must print ${part}, but ${why}; last saw ${this.lastSeen()}`);
    }
    return line;
  }

  /** Releases the script and waits until it exits. Kills the command after `seconds`. */
  async end(seconds: number): Promise<number | string> {
    this.child.stdin.end();
    const timer = setTimeout(() => this.drop(), seconds * 1000);
    const status = await this.ended;
    clearTimeout(timer);
    return status;
  }

  /** Waits until the script exits. Throws unless the exit status is 0. */
  async succeeded(): Promise<void> {
    const status = await this.ended;
    if (status !== 0) {
      throw new Error(`${this.what} ended with ${status}: ${this.lastSeen()}`);
    }
  }

  /** Kills the command on this machine at once. */
  drop(): void {
    this.child.kill("SIGKILL");
  }

  /** The last line of its output. */
  lastSeen(): string {
    const text = [...this.lines.slice(-3), this.errors].join("\n").trim();
    return text.split("\n").slice(-5).join(" / ") || "nothing";
  }

  private notify(): void {
    [...this.listeners].forEach((listener) => listener());
  }
}
