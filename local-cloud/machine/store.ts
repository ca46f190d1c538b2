import { mkdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withLock } from "./lock";
import { cloudDir } from "./paths";

/** What the local cloud knows about one resource. This file does not look into inputs and choices. */
export interface StoredResource<Inputs = Properties, Chosen = Properties> {
  /** Unique among all labs, such as `vpc-0123456789abcdef0`. */
  id: string;
  /** Pulumi's type token. */
  type: string;
  /** The Pulumi resource that asked for it. */
  urn: string;
  /** The plugin process that made it: `<pid>:<start time>`. */
  run: string;
  /**
   * Whether Pulumi has named the id since, and so has it in its state. A record that no later call
   * names was made by a run that was killed before it could write the id down: a leftover.
   */
  acknowledged: boolean;
  /** Being removed, perhaps by a run that was killed at it: it is as good as gone. */
  leaving?: true;
  /** Rises with every record: later ones may depend on earlier ones, never the other way. */
  sequence: number;
  /** The resource's inputs. Secrets are in plain text. */
  inputs: Inputs;
  /** What the cloud chose: addresses, slots, states. */
  chosen: Chosen;
}

interface Properties {
  [name: string]: unknown;
}

/** The checkout that made the lab of a stack. */
export interface Owner {
  directory: string;
  /** The user who ran it. */
  user: string;
  /** ISO 8601. */
  since: string;
}

export interface State {
  nextSequence: number;
  /** By id; where two types share one, one of them has a key of its own (`keyOf`). */
  records: { [key: string]: StoredResource };
  /** Kernel settings that the local cloud raised, with the value to put back. */
  sysctls: { [name: string]: string };
  /** By stack (`stackOf`): the checkout that made its lab. Labs of earlier releases have none. */
  owners?: { [stack: string]: Owner };
}

const file = join(cloudDir, "state.json");

/** The state as last written: a copy, free to be read without a lock. */
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
 * Changes the state as one step: all of `change` or, if it throws or the process dies, nothing.
 * Several plugin processes take turns. What is asked for while others write is written together.
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
  /** Changes the state, and returns what to do once that is written. */
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
  // User data carries host keys: only root may read it.
  const options = { mode: 0o600, flush: true };
  await writeFile(`${file}.new`, JSON.stringify(state, undefined, 1), options);
  await rename(`${file}.new`, file);
}

/** The last resource is gone: so are the state file and the empty directories. */
function discard(): void {
  rmSync(file, { force: true });
  rmSync(`${file}.new`, { force: true });
  for (const dir of ["instances", "volumes", "."]) {
    try {
      rmdirSync(join(cloudDir, dir));
    } catch {
      // Not there, or something in it that is not the local cloud's to remove.
    }
  }
}
