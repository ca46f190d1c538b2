import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { endsWithInput } from "../hosts/ends-with-input";
import { catchEnd } from "../lib/child";
import { EXIT_STATUS } from "../lib/exit-status";
import { print, tell } from "../lib/output";
import { type RemoteClient, SSH_FAILED, sshCommand } from "./client-host";
import { Deliveries, LineCount, remarkIn } from "./deliveries";
import { type Consumption, consumeCommand, type Production, produceCommand } from "./kcat";
import { secured } from "./secured-command";

/**
 * Sends each line of an input as one record, and prints what Kafka has acknowledged.
 *
 * @returns The exit status.
 */
export async function produce(
  client: RemoteClient,
  wanted: Production,
  input: Readable,
): Promise<number> {
  const deliveries = new Deliveries();
  const count = new LineCount();
  const run = new RemoteRun(client, produceCommand(wanted), (line) => deliveries.read(line));
  input.on("data", (part: Buffer) => count.read(part));
  run.feed(input);
  const status = await run.ended;
  const { acknowledged } = deliveries;
  print(`Kafka has acknowledged ${records(acknowledged)} of the topic ${wanted.topic}.`);
  if (acknowledged > 0) {
    print(deliveries.table);
  }
  const missing = count.lines - acknowledged;
  if (missing > 0) {
    tell(`kafkalab: Kafka has not acknowledged ${records(missing)}.`);
  }
  return status === EXIT_STATUS.done && missing > 0 ? EXIT_STATUS.failed : status;
}

const records = (number: number) => (number === 1 ? "1 record" : `${number} records`);

/**
 * Prints records until a signal comes, or until there were as many as wanted.
 *
 * @returns The exit status.
 */
export function consume(client: RemoteClient, wanted: Consumption): Promise<number> {
  return new RemoteRun(client, endsWithInput(consumeCommand(wanted)), remarkIn).ended;
}

/**
 * A command on a host of the lab, which prints to this process's standard output. A signal to this process
 * ends the command's input, so that the command can end in order. A second signal ends it at once.
 */
class RemoteRun {
  /** Resolves with the exit status: that of the signal if there was one. */
  readonly ended: Promise<number>;
  private readonly child: ChildProcessByStdio<Writable, null, Readable>;
  private source: Readable | undefined;

  /** @param read Reads a line of the command's standard error, and returns what the user must see. */
  constructor(
    private readonly client: RemoteClient,
    command: string,
    read: (line: string) => string | undefined,
  ) {
    const { script, input } = secured(client.security, command);
    const [program = "", ...args] = sshCommand(client, script);
    // In a session of its own, Ctrl-C does not reach ssh before the command has ended in order.
    this.child = spawn(program, args, { detached: true, stdio: ["pipe", "inherit", "pipe"] });
    this.child.stdin.on("error", () => undefined); // EPIPE: ssh has ended
    this.child.stdin.write(input);
    createInterface({ input: this.child.stderr }).on("line", (line) => {
      const text = read(line);
      if (text !== undefined) {
        tell(text);
      }
    });
    this.ended = this.wait();
  }

  /** Passes an input on to the command until the input ends, the command ends or a signal comes. */
  feed(input: Readable): void {
    this.source = input;
    input.on("error", () => this.endInput());
    input.pipe(this.child.stdin);
  }

  private endInput(): void {
    // After Ctrl-C, the terminal belongs to the user's shell. To go on reading from it would stop this process.
    this.source?.destroy();
    this.child.stdin.end();
  }

  private async wait(): Promise<number> {
    const end = catchEnd(() => this.child.kill("SIGTERM"));
    void end.status.then(() => this.endInput());
    try {
      const [status] = (await once(this.child, "close")) as [number | null];
      if (end.isSent) {
        return await end.status;
      }
      if (status === SSH_FAILED || status === null) {
        tell(`kafkalab: the connection to ${this.client.host} has ended.`);
      }
      return status === 0 ? EXIT_STATUS.done : EXIT_STATUS.failed;
    } finally {
      this.source?.destroy();
      end.release();
    }
  }
}
