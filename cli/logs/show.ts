import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { endsWithInput } from "../hosts/ends-with-input";
import { CONFIG_ARGUMENTS } from "../hosts/ssh-config";
import { catchEnd } from "../lib/child";
import { EXIT_STATUS } from "../lib/exit-status";
import { mark, print, tell } from "../lib/output";
import { type Entry, journalCommand, readEntry, renderEntry, type Selection } from "./journal";
import { Merge } from "./merge";

/** How long a followed entry waits for earlier ones of other hosts. */
const FOLLOW_MS = 500;
/** Priorities of syslog up to this one are errors. */
const ERROR = 3;

/**
 * Prints the entries of the hosts' journals, merged by time.
 *
 * @param directory The directory of the SSH configuration.
 * @param write Prints an entry. @default as a line of text
 * @returns The exit status: failed if a host's journal cannot be read.
 */
export async function showLogs(
  hosts: readonly string[],
  selection: Selection,
  directory: string,
  write: (entry: Entry) => void = (entry) => print(lineOf(entry, widthOf(hosts))),
): Promise<number> {
  let count = 0;
  const merge = new Merge(hosts, (entry) => {
    count += 1;
    write(entry);
  });
  const end = catchEnd();
  const command = endsWithInput(journalCommand(selection));
  const reads = hosts.map((host) => new Read(host, command, directory, merge));
  void end.status.then(() => reads.forEach((read) => read.stop()));
  const timer = setInterval(() => selection.isFollowed && merge.flush(), FOLLOW_MS);
  try {
    const faults = (await Promise.all(reads.map((read) => read.ended))).flat();
    merge.flush();
    if (end.isSent) {
      return await end.status;
    }
    faults.forEach((fault) => tell(`kafkalab: ${fault}`));
    if (count === 0 && faults.length === 0) {
      tell("There are no such entries. For older ones, use --since; for all units, --all.");
    }
    return faults.length === 0 ? EXIT_STATUS.done : EXIT_STATUS.failed;
  } finally {
    clearInterval(timer);
    end.release();
  }
}

const widthOf = (hosts: readonly string[]) => Math.max(...hosts.map((host) => host.length));

function lineOf(entry: Entry, width: number): string {
  const line = renderEntry(entry, width);
  return entry.priority <= ERROR ? mark("bad", line) : line;
}

/** The journal of one host. */
class Read {
  /** Resolves with what went wrong. */
  readonly ended: Promise<string[]>;
  private readonly child;

  constructor(
    private readonly host: string,
    command: string,
    directory: string,
    merge: Merge,
  ) {
    this.child = spawn("ssh", [...CONFIG_ARGUMENTS, host, command], {
      cwd: directory,
      // In a session of its own, Ctrl-C does not reach ssh before the command has ended in order.
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.child.stdin.on("error", () => undefined); // EPIPE: ssh has ended
    this.ended = this.read(merge);
  }

  /** Ends the command on the host. */
  stop(): void {
    this.child.stdin.end();
  }

  private async read(merge: Merge): Promise<string[]> {
    const faults: string[] = [];
    createInterface({ input: this.child.stderr }).on("line", (line) => faults.push(line));
    createInterface({ input: this.child.stdout }).on("line", (line) => {
      const entry = readEntry(this.host, line);
      if (entry !== undefined) {
        merge.add(entry);
      }
    });
    // Without a match, journalctl ends with 1 and says nothing.
    await once(this.child, "close");
    merge.end(this.host);
    return faults.map((fault) => `${this.host}: ${fault}`);
  }
}
