import { stackOf } from "../machine/owner";
import { changeState, readState, type State, type StoredResource } from "../machine/store";
import { restoreSysctls } from "../machine/sysctl";
import { waitFor } from "../../shared/wait";
import { forgetOwners, isLeftover } from "./acknowledgement";
import { ApiError } from "./api-error";
import { keyOfRecord, typeOfToken } from "./catalogue";
import { messageOf } from "../../shared/message-of";
import * as kinds from "./kinds";
import { isOf } from "./records";
import type { Values } from "./values";

/** How long a deletion waits until no other resource uses this one. AWS's provider waits longer. */
const IN_USE_SECONDS = 10;

/**
 * Removes a resource that Pulumi deletes. Throws AWS's error if others use it.
 *
 * @param known The properties of the resource in Pulumi's state.
 */
export async function deleteResource(record: StoredResource, known: Values): Promise<void> {
  const type = typeOfToken(record.type);
  for (const other of type.deletesFirst?.(record, readState(), known) ?? []) {
    await remove(other);
  }
  await notInUse(record);
  await remove(record);
}

/** The resources that use this one. */
const usersOf = (record: StoredResource, state: State) =>
  typeOfToken(record.type).usedBy?.(record, state) ?? [];

/** Waits a little until no other resource uses this one. Then throws AWS's error. */
async function notInUse(record: StoredResource): Promise<void> {
  const type = typeOfToken(record.type);
  let users: StoredResource[] = [];
  const look = async () => {
    const ids = new Set(usersOf(record, readState()).map(({ id }) => id));
    if (ids.size > 0) {
      await forgetLeftovers(({ id }) => ids.has(id));
    }
    users = usersOf(record, readState());
    return users.length === 0 ? { done: true } : { seen: users.map(({ id }) => id).join(", ") };
  };
  const wait = { what: record.id, state: "free", seconds: IN_USE_SECONDS, intervalMs: 10 };
  await waitFor(wait, look).catch((error: unknown) => {
    throw users.length === 0 ? error : (type.inUse?.(record, users) ?? dependents(record, users));
  });
}

const dependents = ({ id, type }: StoredResource, users: StoredResource[]) =>
  new ApiError(
    "DependencyViolation",
    `The ${typeOfToken(type).name} '${id}' has dependencies and cannot be deleted: ${users.map((user) => user.id).join(", ")}.`,
  );

/** Removes a resource whose creation failed. Returns the error to report. */
export async function undo(record: StoredResource, error: unknown): Promise<unknown> {
  try {
    await remove(record);
    return error;
  } catch (second) {
    // The record stays. The next run removes it as a leftover.
    const both = `${messageOf(error)}\nThe removal then failed, too: ${messageOf(second)}`;
    return new Error(both, { cause: second });
  }
}

/**
 * Removes a resource. If the process is killed meanwhile, the resource counts as deleted, and the next run
 * completes the removal.
 */
export async function remove(record: StoredResource): Promise<void> {
  const type = typeOfToken(record.type);
  const key = keyOfRecord(record);
  if (type.remove) {
    await setLeaving(key, true);
    try {
      await type.remove(record);
    } catch (error) {
      if (error instanceof ApiError) {
        await setLeaving(key, false);
      }
      throw error;
    }
  }
  await changeState((state) => {
    for (const other of type.takesAlong?.(record, state) ?? []) {
      delete state.records[keyOfRecord(other)];
    }
    delete state.records[key];
    forgetOwners(state);
  });
  await type.afterRemoval?.(record);
  if (Object.keys(readState().records).length === 0) {
    await restoreSysctls();
  }
}

function setLeaving(key: string, leaving: boolean): Promise<void> {
  return changeState((state) => {
    const record = state.records[key];
    if (record && leaving) {
      record.leaving = true;
    } else {
      delete record?.leaving;
    }
  });
}

/** Removes leftovers, the newest first, because no resource depends on the newest. */
export async function forgetLeftovers(which: (record: StoredResource) => boolean): Promise<void> {
  const leftovers = Object.values(readState().records)
    .filter((record) => isLeftover(record) && which(record))
    .sort((a, b) => b.sequence - a.sequence);
  for (const record of leftovers) {
    const ids = new Set(usersOf(record, readState()).map(({ id }) => id));
    if (ids.size > 0) {
      await forgetLeftovers(({ id }) => ids.has(id));
    }
    await remove(record);
  }
}

/** Whether the id follows from the inputs, so that creating the resource again takes the record over. */
export const isNamedByInputs = ({ id, type, inputs }: StoredResource): boolean =>
  typeOfToken(type).newId(inputs) === id;

/**
 * Turns records into leftovers, so that the next run that creates the same resources takes them over. For
 * example, Pulumi removes the attachments of a host from its state before it deletes the host, and may be
 * killed in between.
 */
export async function disown(records: StoredResource[]): Promise<void> {
  const keys = records.map(keyOfRecord);
  await changeState((state) => {
    for (const key of keys) {
      const record = state.records[key];
      if (record) {
        record.acknowledged = false;
        record.run = "";
      }
    }
  });
}

/**
 * Removes the resources of a stack that no state of Pulumi contains: first hosts, then always the newest
 * resource, because nothing depends on it. Keeps a resource that a known resource uses.
 */
export async function removeLost(stack: string, known: ReadonlySet<string>): Promise<void> {
  const rank = (record: StoredResource) => Number(isOf(kinds.instance, record));
  for (;;) {
    const state = readState();
    const [next] = Object.values(state.records)
      .filter(({ urn, id }) => stackOf(urn) === stack && !known.has(id))
      .filter((record) => usersOf(record, state).length === 0)
      .sort((a, b) => rank(b) - rank(a) || b.sequence - a.sequence);
    if (next === undefined) {
      return;
    }
    await remove(next);
  }
}
