import { mkdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withLock } from "./lock";
import { cloudDir } from "./paths";

/** The record of one resource. This file does not interpret `inputs` and `chosen`. */
export interface StoredResource<Inputs = Properties, Chosen = Properties> {
  /** Unique among all labs, for example `vpc-0123456789abcdef0`. */
  id: string;
  /** Pulumi's type token. */
  type: string;
  /** The URN of the Pulumi resource. */
  urn: string;
  /** The plugin process that created it: `<pid>:<start time>`. */
  run: string;
  /**
   * Whether Pulumi has used the id in a later call, so that its state contains the id. A record without
   * such a call is a leftover: its run was killed before Pulumi could save the id.
   */
  acknowledged: boolean;
  /** A run has begun to remove the resource and may have been killed. Treat it as deleted. */
  leaving?: true;
  /** Increases with every record. A record can depend only on earlier records. */
  sequence: number;
  /** The resource's inputs. Secrets are in plain text. */
  inputs: Inputs;
  /** The values that the cloud chose: addresses, slots, states. */
  chosen: Chosen;
}

interface Properties {
  [name: string]: unknown;
}

/** The checkout that created the lab of a stack. */
export interface Owner {
  directory: string;
  /** The user who ran it. */
  user: string;
  /** ISO 8601. */
  since: string;
}

export interface State {
  nextSequence: number;
  /** By id. If two types share an id, one of them has another key (`keyOf`). */
  records: { [key: string]: StoredResource };
  /** Kernel settings that the local cloud raised, with the values to restore. */
  sysctls: { [name: string]: string };
  /** The owner of each lab, by stack (`stackOf`). Labs of earlier releases have none. */
  owners?: { [stack: string]: Owner };
}

const file = join(cloudDir, "state.json");

/** Returns a copy of the last written state. Needs no lock. */
export function readState(): State {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as State;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
      throw error;
    }
    return { nextSequence: 1, records: {}, sysctls: {} };
  }
}

/**
 * Changes the state atomically. If `change` throws or the process dies, the state stays as it was. A lock
 * serializes all plugin processes. Changes that arrive while another process writes are written together.
 */
export function changeState<T>(change: (state: State) => T): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    waiting.push({
      apply: (state) => {
        const result = change(state);
        return () => resolve(result);
      },
      reject,
    });
    if (waiting.length === 1) {
      withLock("state", writeWaiting).catch((error: unknown) => {
        for (const { reject } of waiting.splice(0)) {
          reject(error);
        }
      });
    }
  });
}

interface Change {
  /** Changes the state. Returns a callback for the time after the write. */
  apply: (state: State) => () => void;
  reject: (error: unknown) => void;
}

const waiting: Change[] = [];

async function writeWaiting(): Promise<void> {
  const changes = waiting.splice(0);
  try {
    let state = readState();
    const done = changes.flatMap(({ apply, reject }) => {
      const next = structuredClone(state);
      try {
        const resolve = apply(next);
        state = next;
        return resolve;
      } catch (error) {
        reject(error);
        return [];
      }
    });
    if (done.length > 0) {
      await write(state);
    }
    for (const resolve of done) {
      resolve();
    }
  } catch (error) {
    for (const { reject } of changes) {
      reject(error);
    }
  }
}

async function write(state: State): Promise<void> {
  if (Object.keys(state.records).length === 0 && Object.keys(state.sysctls).length === 0) {
    discard();
    return;
  }
  mkdirSync(cloudDir, { recursive: true, mode: 0o700 });
  // User data contains host keys, so only root may read the file.
  const options = { mode: 0o600, flush: true };
  await writeFile(`${file}.new`, JSON.stringify(state, undefined, 1), options);
  await rename(`${file}.new`, file);
}

/** Removes the state file and empty directories after the last resource is deleted. */
function discard(): void {
  rmSync(file, { force: true });
  rmSync(`${file}.new`, { force: true });
  for (const dir of ["instances", "volumes", "."]) {
    try {
      rmdirSync(join(cloudDir, dir));
    } catch {
      // It does not exist, or contains files that do not belong to the local cloud.
    }
  }
}
