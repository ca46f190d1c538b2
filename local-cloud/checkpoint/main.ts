/**
 * Checkpoints of the labs of one account on this machine: disks and states, at one moment.
 *
 *   npm run checkpoint -- save NAME | restore NAME | list | delete NAME...
 */
import { join } from "node:path";
import { instanceListens } from "../machine/instance";
import { withLock } from "../machine/lock";
import { readState } from "../machine/store";
import { run } from "../../shared/process";
import { waitFor } from "../../shared/wait";
import * as kinds from "../aws/kinds";
import { messageOf } from "../aws/error-message";
import { living, nameOf } from "../aws/records";
import { isStopped } from "../aws/vpc-model";
import { Refusal } from "./refusal";
import { abandon, restore } from "./restore";
import { save } from "./save";
import { backendDir, stacksIn, withStacksLocked } from "./stacks";
import {
  brokersOf,
  checkpointDir,
  checkpointOf,
  checkpoints,
  human,
  isBroker,
  refuseDuringExchange,
  removeCheckpoint,
  sizeOnDisk,
} from "./store";

/** How long a restored lab may take to be whole. */
const WHOLE_SECONDS = 180;
const STATUS_INTERVAL_MS = 200;
const BROKER_PORT = 9092;

const USAGE = "npm run checkpoint -- save NAME | restore NAME | list | delete NAME...";

async function main([command, ...names]: string[]): Promise<void> {
  const [name] = names;
  if (command === "list" && names.length === 0) {
    return list();
  }
  // For `npm run destroy -- --abandon-restore`.
  if (command === "abandon" && names.length === 0) {
    return say(await alone(stacks(), () => Promise.resolve(abandon())));
  }
  if (command === "delete" && names.length > 0) {
    return withLock("checkpoints", () => {
      refuseDuringExchange();
      names.forEach((each) => checkpointOf(each));
      names.forEach(removeCheckpoint);
      say(`deleted ${names.join(", ")}`);
    });
  }
  if ((command === "save" || command === "restore") && name !== undefined && names.length === 1) {
    const began = Date.now();
    const took = () => `${((Date.now() - began) / 1000).toFixed(1)} s`;
    if (command === "save") {
      const text = await alone(stacks(), () => save(name));
      return say(`${text}; all of it took ${took()}`);
    }
    const { text, runs } = await alone(stacks(name), () => restore(name));
    say(`${text}; its hosts boot after ${took()}`);
    if (!runs) {
      return;
    }
    await whole();
    return say(`the cluster is whole after ${took()}`);
  }
  throw new Refusal("checkpoint needs to know what to do.", `Use it so: ${USAGE}`);
}

/** Does what no other command may stand beside. */
const alone = <T>(names: string[], action: () => Promise<T>) =>
  withLock("checkpoints", () => withStacksLocked(names, action));

/** Those that there are, and those of a checkpoint. */
function stacks(checkpoint?: string): string[] {
  const saved = checkpoint ? stacksIn(join(checkpointDir(checkpoint), "pulumi/stacks")) : [];
  return [...new Set([...stacksIn(join(backendDir, "stacks")), ...saved])];
}

function list(): void {
  const all = checkpoints();
  if (all.length === 0) {
    return say("there are no checkpoints");
  }
  const rows = all.map((checkpoint) => [
    checkpoint.name,
    checkpoint.time.slice(0, 19).replace("T", " "),
    human(sizeOnDisk(checkpointDir(checkpoint.name))),
    `${brokersOf(checkpoint).length}`,
    `${checkpoint.hosts.length}`,
  ]);
  const titles = ["NAME", "TIME (UTC)", "SIZE", "BROKERS", "HOSTS"];
  const table = [titles, ...rows];
  const widths = titles.map((_, column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  for (const row of table) {
    const cells = row.map((cell, column) => cell.padEnd(widths[column] ?? 0));
    say(cells.join("  ").trimEnd());
  }
}

/** Whether every broker that is powered on accepts connections, which takes no time to find out. */
function brokersListen(): boolean {
  return living(readState(), kinds.instance)
    .filter((record) => isBroker(nameOf(record)) && !isStopped(record))
    .every(({ id }) => instanceListens(id, BROKER_PORT));
}

/** Waits until `npm run status` finds nothing wrong. */
async function whole(): Promise<void> {
  const deadline = Date.now() + WHOLE_SECONDS * 1000;
  const stack = process.env["KAFKALAB_STACK"] ?? "local";
  const look = () =>
    run(["scripts/dev/lab.sh", "status", "-s", stack]).then(
      () => ({ done: true }),
      (error: unknown) => ({ seen: messageOf(error) }),
    );
  const wait = { what: "the restored lab", state: "whole", seconds: WHOLE_SECONDS };
  // Status takes seconds of a processor, which the brokers need to start.
  await waitFor(wait, () =>
    brokersListen() ? { done: true } : { seen: "a broker that does not listen" },
  ).catch(() => undefined);
  const left = Math.max(0, Math.ceil((deadline - Date.now()) / 1000));
  await waitFor({ ...wait, seconds: left, intervalMs: STATUS_INTERVAL_MS }, look).catch(
    (error: unknown) => {
      throw new Refusal(
        messageOf(error),
        "See what is wrong with: npm run status; put it right with: npm run up",
      );
    },
  );
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

// Services on hosts and dnsmasq read what it makes, whatever umask the user has.
process.umask(0o022);

main(process.argv.slice(2)).catch((error: unknown) => {
  if (error instanceof Refusal) {
    console.error([`kafkalab: ${error.message}`, ...error.remedies].join("\n  "));
  } else {
    console.error(error);
  }
  process.exitCode = 1;
});
