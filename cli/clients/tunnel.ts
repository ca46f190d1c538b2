import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { Refusal } from "../lib/refusal";
import { tunnelArguments, type TunnelPlan } from "./tunnel-plan";

/**
 * An SSH connection to the bastion with a port of this machine for each broker. ssh ends with this process,
 * even if this process is killed: then its input ends, and with it the command on the bastion.
 */
export class Tunnel {
  /** How ssh has ended: an exit status or a signal. */
  readonly ended: Promise<number | string>;
  private readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  private isClosing = false;

  /** @param directory The directory of the SSH configuration. */
  constructor(
    private readonly plan: TunnelPlan,
    directory: string,
  ) {
    // In a session of its own, Ctrl-C does not reach ssh while a command still uses the tunnel.
    this.child = spawn("ssh", tunnelArguments(plan), {
      cwd: directory,
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.child.stdin.on("error", () => undefined); // EPIPE: ssh has ended
    this.child.stderr.on("data", (text: Buffer) => {
      if (!this.isClosing) {
        process.stderr.write(text);
      }
    });
    this.ended = once(this.child, "close").then(([code, signal]) => (code ?? signal) as string);
  }

  /**
   * Waits until the ports are open and the bastion has asked every broker.
   *
   * @returns The brokers that do not answer.
   * @throws Refusal if ssh ends before.
   */
  async opened(): Promise<string[]> {
    const open = new Set<string>();
    for await (const line of createInterface({ input: this.child.stdout })) {
      if (line === "ready") {
        return this.plan.forwards
          .filter(({ address }) => !open.has(address))
          .map(({ broker }) => broker);
      }
      open.add(line.replace(/^open /, ""));
    }
    throw this.failure("could not be opened", await this.ended);
  }

  /** Waits until the tunnel breaks. */
  async broken(): Promise<never> {
    throw this.failure("has broken", await this.ended);
  }

  /** Closes the tunnel and all connections through it. */
  async close(): Promise<void> {
    this.isClosing = true;
    this.child.kill("SIGTERM");
    await this.ended;
  }

  private failure(what: string, status: number | string): Refusal {
    return new Refusal(
      `the tunnel through ${this.plan.bastion} ${what}: ssh ended with ${status}.`,
      "See the state of the lab: npm run status",
    );
  }
}
