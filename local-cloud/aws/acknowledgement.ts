import { processKey } from "../machine/daemon";
import { own, stackOf } from "../machine/owner";
import { changeState, readState, type State, type StoredResource } from "../machine/store";
import { keyOfRecord } from "./catalogue";
import { messageOf } from "../../shared/message-of";

/*
 * Which ids Pulumi has written down. A run that is killed leaves resources behind whose ids Pulumi
 * never learned: leftovers, which a later run removes.
 */

/** This process, as the records that it makes name it: `<pid>:<start time>`. */
export const thisRun = processKey(process.pid) ?? `${process.pid}:0`;

/** The keys of the records whose ids Pulumi has named in this run. */
const named = new Set<string>();

/** The keys of the records whose ids this process has given to Pulumi. */
const created = new Set<string>();

/** The keys of records whose stack has another name now, with their new URNs. */
const renamed = new Map<string, string>();

/** How long to wait for further ids to write down together. */
const DELAY_MS = 50;

let pending: NodeJS.Timeout | undefined;

/** Whether Pulumi has named the record in this run. */
export const isNamed = (record: StoredResource) => named.has(keyOfRecord(record));

/** Notes that this process gives the id of the record to Pulumi. */
export function noteCreated(key: string): void {
  created.add(key);
}

/**
 * Notes that Pulumi knows the record's id. The note is written with the next change, or soon.
 *
 * @param urn The resource, if Pulumi manages it under that URN: a stack may have a new name.
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
      `the local cloud could not note which resources Pulumi knows: ${messageOf(error)}`,
    );
  });
}

/**
 * Notes that Pulumi knows every id that this process has given it. Call it when the engine ends this
 * process in order: the engine has written the ids down by then.
 */
export async function acknowledgeCreated(): Promise<void> {
  const { records } = readState();
  const keys = [...created].filter((key) => records[key]?.acknowledged === false);
  if (keys.length > 0) {
    await changeState((state) => acknowledgeIn(state, keys));
  }
}

/** Notes in the state that Pulumi knows these records. */
export function acknowledgeIn(state: State, keys: Iterable<string>): void {
  for (const key of keys) {
    const record = state.records[key];
    if (record) {
      record.acknowledged = true;
    }
  }
}

/** Every text in a value: any of them may be the id of a resource that Pulumi knows. */
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

/** Forgets who made the labs of which nothing is left. */
export function forgetOwners(state: State): void {
  const stacks = new Set(Object.values(state.records).map(({ urn }) => stackOf(urn)));
  for (const stack of Object.keys(state.owners ?? {})) {
    if (!stacks.has(stack)) {
      delete state.owners?.[stack];
    }
  }
}

/**
 * Whether the record is a leftover: its run ended, most likely killed, before Pulumi could write down
 * the id, and nobody has named it since.
 */
export function isLeftover(record: StoredResource): boolean {
  if (record.acknowledged || isNamed(record) || record.run === thisRun) {
    return false;
  }
  return processKey(Number(record.run.split(":")[0])) !== record.run;
}
