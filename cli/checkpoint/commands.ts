import { join } from "node:path";
import { messageOf } from "../../shared/message-of";
import * as kinds from "../../local-cloud/aws/kinds";
import { living, nameOf } from "../../local-cloud/aws/records";
import { isStopped } from "../../local-cloud/aws/vpc-model";
import { instanceListens } from "../../local-cloud/machine/instance";
import { withLock } from "../../local-cloud/machine/lock";
import { readState } from "../../local-cloud/machine/store";
import { waitFor } from "../../shared/wait";
import { human, print, printJson, table } from "../lib/output";
import { Refusal } from "../lib/refusal";
import type { Stack } from "../lib/stack";
import { backendDir, stacksIn, withStacksLocked } from "../pulumi/backend";
import { labStatus } from "../status/gather";
import type { LabStatus } from "../status/report";
import { abandon, restore } from "./restore";
import { save } from "./save";
import {
  brokersOf,
  type Checkpoint,
  checkpointDir,
  checkpointOf,
  checkpoints,
  isBroker,
  refuseDuringExchange,
  removeCheckpoint,
  sizeOnDisk,
} from "./store";

/** How long a restored lab may take to be whole: brokers wait for sessions to end. */
const WHOLE_SECONDS = 180;
const LISTEN_INTERVAL_MS = 50;
const STATUS_INTERVAL_MS = 200;
const BROKER_PORT = 9092;

/** Saves the labs of the account on this machine: disks and states, at one moment. */
export async function saveCheckpoint(name: string): Promise<void> {
  const took = stopwatch();
  const text = await alone(stacks(), () => save(name));
  print(`${text}; all of it took ${took()}`);
}

/** Puts a checkpoint back, and waits until the cluster of the stack is whole. */
export async function restoreCheckpoint(name: string, stack: Stack): Promise<void> {
  const took = stopwatch();
  const { text, runs } = await alone(stacks(name), () => restore(name));
  print(`${text}; its hosts boot after ${took()}`);
  if (runs) {
    await whole(stack);
    print(`the cluster is whole after ${took()}`);
  }
}

/** Gives up a restore that did not come to its end. */
export async function abandonRestore(): Promise<void> {
  print(await alone(stacks(), () => Promise.resolve(abandon())));
}

/** Deletes checkpoints: all of these, or, if one is not there, none. */
export function deleteCheckpoints(names: string[]): Promise<void> {
  return withLock("checkpoints", () => {
    refuseDuringExchange();
    names.forEach((each) => checkpointOf(each));
    names.forEach(removeCheckpoint);
    print(`deleted ${names.join(", ")}`);
  });
}

/** Lists all checkpoints, for people or as JSON. */
export function listCheckpoints(json: boolean): void {
  const all = checkpoints().map(described);
  if (json) {
    return printJson(all);
  }
  if (all.length === 0) {
    return print("there are no checkpoints");
  }
  const rows = all.map(({ name, time, bytes, brokers, hosts }) => [
    name,
    time.slice(0, 19).replace("T", " "),
    human(bytes),
    `${brokers}`,
    `${hosts.length}`,
  ]);
  print(table([["NAME", "TIME (UTC)", "SIZE", "BROKERS", "HOSTS"], ...rows]));
}

const described = (checkpoint: Checkpoint) => ({
  name: checkpoint.name,
  time: checkpoint.time,
  bytes: sizeOnDisk(checkpointDir(checkpoint.name)),
  brokers: brokersOf(checkpoint).length,
  hosts: checkpoint.hosts,
});

function stopwatch(): () => string {
  const began = Date.now();
  return () => `${((Date.now() - began) / 1000).toFixed(1)} s`;
}

/** Does what no other command may stand beside. */
const alone = <T>(names: string[], action: () => Promise<T>) =>
  withLock("checkpoints", () => withStacksLocked(names, action));

/** Those that there are, and those of a checkpoint. */
function stacks(checkpoint?: string): string[] {
  const saved = checkpoint ? stacksIn(join(checkpointDir(checkpoint), "pulumi/stacks")) : [];
  return [...new Set([...stacksIn(join(backendDir, "stacks")), ...saved])];
}

/** Whether every broker that is powered on accepts connections, which takes no time to find out. */
function brokersListen(): boolean {
  return living(readState(), kinds.instance)
    .filter((record) => isBroker(nameOf(record)) && !isStopped(record))
    .every(({ id }) => instanceListens(id, BROKER_PORT));
}

/** Waits until `npm run status` finds nothing wrong. */
async function whole(stack: Stack): Promise<void> {
  const wait = { what: "the restored lab", state: "whole", intervalMs: STATUS_INTERVAL_MS };
  const deadline = Date.now() + WHOLE_SECONDS * 1000;
  // Status takes seconds of a processor, which the brokers need to start.
  await waitFor({ ...wait, seconds: WHOLE_SECONDS, intervalMs: LISTEN_INTERVAL_MS }, () =>
    brokersListen() ? { done: true } : { seen: "a broker that does not listen" },
  ).catch(() => undefined);
  const seconds = Math.max(0, Math.ceil((deadline - Date.now()) / 1000));
  await waitFor({ ...wait, seconds }, async () => {
    const found = await labStatus(stack).catch((error: unknown) => messageOf(error));
    const seen = typeof found === "string" ? found : faults(found);
    return typeof found !== "string" && found.well ? { done: true } : { seen };
  }).catch((error: unknown) => {
    throw new Refusal(
      messageOf(error),
      "See what is wrong with: npm run status; put it right with: npm run up",
    );
  });
}

/** What is not well, in short. */
function faults({ hosts, topics }: LabStatus): string {
  const sick = hosts.filter(({ well }) => !well).map(({ name, role }) => `${name} ${role}`);
  return sick.join(", ") || `${topics.length} topics, or the network, not well`;
}
