import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { shellQuote } from "../../shared/quote";

/** A host of the lab, reached over SSH. */
export interface DrillHost {
  readonly name: string;
  /** `ssh`, its options and the host; a command may follow. */
  sshArguments(): string[];
  /** Runs a command line that must succeed, and returns what it printed. */
  run(command: string, options?: { timeoutSeconds?: number; input?: string }): Promise<string>;
}

/**
 * A shell script that runs until this side lets go of it: it reads its standard input, which ends
 * when this process does, however that happens. So what it undoes at its end is undone.
 */
export class Session {
  /** Whole lines of standard output, so far. */
  readonly lines: string[] = [];
  /** Exit status, or the name of the signal, once it has ended. */
  readonly ended: Promise<number | string>;
  private over = false;
  private errors = "";
  private readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  private readonly listeners = new Set<() => void>();

  /** @param argv The command, such as `ssh` with a host, that is given the script. */
  constructor(
    readonly what: string,
    argv: string[],
  ) {
    const [program = "", ...args] = argv;
    // In a group of its own: an interrupt from the keyboard is for the command, which ends this.
    this.child = spawn(program, args, { detached: true, stdio: ["pipe", "pipe", "pipe"] });
    this.child.stdin.on("error", () => undefined); // it has ended
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
    this.ended.catch(() => undefined); // who waits for it sees the error
  }

  /** Starts a script on a host, as the login user. */
  static on(host: DrillHost, what: string, script: string): Session {
    const [ssh = "", ...rest] = host.sshArguments();
    // A host without power does not say that the connection is gone.
    const alive = ["-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3"];
    return new Session(`${host.name}: ${what}`, [
      ...[ssh, ...alive, ...rest],
      `bash -c ${shellQuote(script)}`,
    ]);
  }

  /** Waits for a line of which this is a part. */
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
      throw new Error(`${this.what} was to print ${part}, and ${why}; last saw ${this.lastSeen()}`);
    }
    return line;
  }

  /** Lets go of the script, and waits for its end. */
  async end(seconds: number): Promise<number | string> {
    this.child.stdin.end();
    const timer = setTimeout(() => this.drop(), seconds * 1000);
    const status = await this.ended;
    clearTimeout(timer);
    return status;
  }

  /** Ends this side at once. */
  drop(): void {
    this.child.kill("SIGKILL");
  }

  /** What it printed last. */
  lastSeen(): string {
    const text = [...this.lines.slice(-3), this.errors].join("\n").trim();
    return text.split("\n").slice(-5).join(" / ") || "nothing";
  }

  private notify(): void {
    [...this.listeners].forEach((listener) => listener());
  }
}
