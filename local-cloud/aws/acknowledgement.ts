import { processKey } from "../machine/daemon";
import { own, stackOf } from "../machine/owner";
import { changeState, readState, type State, type StoredResource } from "../machine/store";
import { keyOfRecord } from "./catalogue";
import { messageOf } from "../../shared/message-of";

/*
 * Tracks which ids are in Pulumi's state. A killed run leaves resources whose ids Pulumi did not save. A
 * later run removes these leftovers.
 */

/** The name of this process in the records that it creates: `<pid>:<start time>`. */
export const thisRun = processKey(process.pid) ?? `${process.pid}:0`;

/** The keys of the records whose ids Pulumi has used in this run. */
const named = new Set<string>();

/** The keys of the records whose ids this process has returned to Pulumi. */
const created = new Set<string>();

/** The keys of records whose stack was renamed, with their new URNs. */
const renamed = new Map<string, string>();

/** How long to collect ids before one write. */
const DELAY_MS = 50;

let pending: NodeJS.Timeout | undefined;

/** Whether Pulumi has used the record's id in this run. */
export const isNamed = (record: StoredResource) => named.has(keyOfRecord(record));

/** Remembers that this process returns the record's id to Pulumi. */
export function noteCreated(key: string): void {
  created.add(key);
}

/**
 * Remembers that Pulumi knows the record's id. The next change of the state, or a timer, writes this.
 *
 * @param urn The resource's URN in Pulumi's state, if known. It differs after a rename of the stack.
 */
export function acknowledge(key: string, urn?: string): void {
  if (named.has(key)) {
    return;
  }
  named.add(key);
  const record = readState().records[key];
  if (record && urn !== undefined && stackOf(record.urn) !== stackOf(urn)) {
    renamed.set(key, urn);
  }
  if (record?.acknowledged === false || renamed.has(key)) {
    pending ??= setTimeout(writeNames, DELAY_MS);
  }
}

function writeNames(): void {
  pending = undefined;
  changeState((state) => {
    acknowledgeIn(state, named);
    renameIn(state);
  }).catch((error: unknown) => {
    console.error(
      `the local cloud could not record which resources Pulumi knows: ${messageOf(error)}`,
    );
  });
}

/**
 * Records that Pulumi knows every id that this process returned. Call it when the engine stops this process
 * cleanly: the engine has saved the ids by then.
 */
export async function acknowledgeCreated(): Promise<void> {
  const { records } = readState();
  const keys = [...created].filter((key) => records[key]?.acknowledged === false);
  if (keys.length > 0) {
    await changeState((state) => acknowledgeIn(state, keys));
  }
}

/** Marks records as known to Pulumi. */
export function acknowledgeIn(state: State, keys: Iterable<string>): void {
  for (const key of keys) {
    const record = state.records[key];
    if (record) {
      record.acknowledged = true;
    }
  }
}

/** Returns all strings in a value. Any of them may be the id of a resource that Pulumi knows. */
export function textsIn(value: unknown): string[] {
  if (typeof value === "string") {
    return [value];
  }
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

function renameIn(state: State): void {
  for (const [key, urn] of renamed) {
    const record = state.records[key];
    if (record) {
      record.urn = urn;
    }
    if (state.owners?.[stackOf(urn)] === undefined) {
      own(state, stackOf(urn));
    }
  }
  renamed.clear();
  forgetOwners(state);
}

/** Removes the owners of labs without resources. */
export function forgetOwners(state: State): void {
  const stacks = new Set(Object.values(state.records).map(({ urn }) => stackOf(urn)));
  for (const stack of Object.keys(state.owners ?? {})) {
    if (!stacks.has(stack)) {
      delete state.owners?.[stack];
    }
  }
}

/**
 * Whether the record is a leftover: its run ended (probably killed) before Pulumi could save the id, and
 * Pulumi has not used the id since.
 */
export function isLeftover(record: StoredResource): boolean {
  if (record.acknowledged || isNamed(record) || record.run === thisRun) {
    return false;
  }
  return processKey(Number(record.run.split(":")[0])) !== record.run;
}
