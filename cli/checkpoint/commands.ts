import { listenerPort } from "../../components/lib/kafka-listeners";
import { REPLICATION_PORT } from "../../shared/kafka-contact";
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

/** How long a restored lab may take to be whole: brokers wait until their old sessions expire. */
const WHOLE_SECONDS = 180;
const LISTEN_INTERVAL_MS = 50;
const STATUS_INTERVAL_MS = 200;
/** The ports of brokers for the lab's own tools, without and with security. */
const TOOL_PORTS = [listenerPort("inside", "plaintext"), REPLICATION_PORT];

/** Saves the disks and states of all labs of the account, at one point in time. */
export async function saveCheckpoint(name: string): Promise<void> {
  const took = stopwatch();
  const text = await alone(stacks(), () => save(name));
  print(`${text}; all of it took ${took()}`);
}

/** Restores a checkpoint, and waits until the cluster of the stack is whole. */
export async function restoreCheckpoint(name: string, stack: Stack): Promise<void> {
  const took = stopwatch();
  const { text, runs } = await alone(stacks(name), () => restore(name));
  print(`${text}; its hosts boot after ${took()}`);
  if (runs) {
    await whole(stack);
    print(`the cluster is whole after ${took()}`);
  }
}

/** Abandons an incomplete restore. */
export async function abandonRestore(): Promise<void> {
  print(await alone(stacks(), () => Promise.resolve(abandon())));
}

/** Deletes checkpoints. If one of them does not exist, deletes none. */
export function deleteCheckpoints(names: string[]): Promise<void> {
  return withLock("checkpoints", () => {
    refuseDuringExchange();
    names.forEach((each) => checkpointOf(each));
    names.forEach(removeCheckpoint);
    print(`deleted ${names.join(", ")}`);
  });
}

/** Lists all checkpoints, as text or as JSON. */
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

/** Runs an action while no other command works on checkpoints or stacks. */
const alone = <T>(names: string[], action: () => Promise<T>) =>
  withLock("checkpoints", () => withStacksLocked(names, action));

/** The existing stacks, and the stacks of a checkpoint. */
function stacks(checkpoint?: string): string[] {
  const saved = checkpoint ? stacksIn(join(checkpointDir(checkpoint), "pulumi/stacks")) : [];
  return [...new Set([...stacksIn(join(backendDir, "stacks")), ...saved])];
}

/** Whether every running broker accepts connections. This check is cheap. */
function brokersListen(): boolean {
  return living(readState(), kinds.instance)
    .filter((record) => isBroker(nameOf(record)) && !isStopped(record))
    .every(({ id }) => TOOL_PORTS.some((port) => instanceListens(id, port)));
}

/** Waits until `npm run status` finds no problem. */
async function whole(stack: Stack): Promise<void> {
  const wait = { what: "the restored lab", state: "whole", intervalMs: STATUS_INTERVAL_MS };
  const deadline = Date.now() + WHOLE_SECONDS * 1000;
  // The status command needs seconds of CPU time, which the starting brokers need, too.
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
      "Find the problem with: npm run status; repair it with: npm run up",
    );
  });
}

/** A short description of the problems. */
function faults({ hosts, topics }: LabStatus): string {
  const sick = hosts.filter(({ well }) => !well).map(({ name, role }) => `${name} ${role}`);
  return sick.join(", ") || `${topics.length} topics, or the network, have a problem`;
}
