import { randomBytes } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { stateDir } from "../../local-cloud/machine/paths";
import { human } from "../lib/output";
import { Refusal } from "../lib/refusal";

/*
 * The files of checkpoints. Only root can read them, because disks and states contain secrets:
 *
 *   checkpoints/NAME/checkpoint.json   description; written last
 *   checkpoints/NAME/cloud/            like the local cloud's own directory: state.json, instances/i-…/upper,
 *                                      volumes/vol-….img
 *   checkpoints/NAME/pulumi/           meta.yaml, stacks/
 *   checkpoints/.part-…/               a checkpoint during its creation or removal
 *   checkpoints/.restore.json          plan of a restore that has begun to exchange the lab's disks
 */

export const checkpointsDir = join(stateDir, "checkpoints");
export const checkpointDir = (name: string) => join(checkpointsDir, name);

/** The description of a checkpoint. */
export interface Checkpoint {
  format: 1;
  name: string;
  /** ISO 8601: the moment of the saved state. */
  time: string;
  /** Names of its hosts. */
  hosts: string[];
}

/** The rule for names. A valid name is neither a flag nor a hidden file. */
export const NAME_RULE =
  "be of 1 to 64 letters, digits, '-', '_' and '.', the first a letter or a digit";

export function checkName(name: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
    return;
  }
  throw new Refusal(`Checkpoint "${name}": its name must ${NAME_RULE}.`, "Choose another name.");
}

/** All checkpoints, the oldest first. */
export function checkpoints(): Checkpoint[] {
  if (!existsSync(checkpointsDir)) {
    return [];
  }
  return readdirSync(checkpointsDir)
    .filter((name) => existsSync(join(checkpointDir(name), "checkpoint.json")))
    .filter((name) => !name.startsWith("."))
    .map((name) => ({ ...readCheckpoint(name), name }))
    .sort((a, b) => a.time.localeCompare(b.time));
}

function readCheckpoint(name: string): Checkpoint {
  return JSON.parse(
    readFileSync(join(checkpointDir(name), "checkpoint.json"), "utf8"),
  ) as Checkpoint;
}

/** Returns a checkpoint by name. Throws a Refusal if it does not exist. */
export function checkpointOf(name: string): Checkpoint {
  checkName(name);
  const all = checkpoints();
  const found = all.find((checkpoint) => checkpoint.name === name);
  if (found) {
    return found;
  }
  const names = all.map((checkpoint) => checkpoint.name).join(", ");
  throw new Refusal(
    `Checkpoint "${name}" does not exist.`,
    names
      ? `There are: ${names}`
      : "There are no checkpoints. Create one with: npm run checkpoint -- save NAME",
  );
}

/** Whether the host runs a broker. */
export const isBroker = (host: string) => /^peter-kafka\d+$/.test(host);

/** The hosts with brokers. */
export const brokersOf = ({ hosts }: Checkpoint) => hosts.filter(isBroker);

/** Creates a directory for an incomplete checkpoint. */
export function makePart(): string {
  const part = join(checkpointsDir, `.part-${randomBytes(4).toString("hex")}`);
  mkdirSync(part, { recursive: true, mode: 0o700 });
  return part;
}

/** Turns a complete directory into a checkpoint. */
export function publish(part: string, checkpoint: Checkpoint): void {
  writeJson(join(part, "checkpoint.json"), checkpoint);
  renameSync(part, checkpointDir(checkpoint.name));
}

/** Writes the file atomically. */
export function writeJson(file: string, value: unknown): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(value, undefined, 1)}\n`, {
    mode: 0o600,
    flush: true,
  });
  renameSync(`${file}.new`, file);
}

/** The plan of a restore that has begun to exchange the lab's disks with a copy of the checkpoint's. */
export interface Exchange {
  /** The checkpoint. */
  name: string;
  /** The directory with `new` (the copy) and `old` (the former state). */
  part: string;
  /** The former state, if there was a lab. It becomes a checkpoint. */
  before?: Omit<Checkpoint, "format">;
}

const exchangeNote = join(checkpointsDir, ".restore.json");

export const noteExchange = (exchange: Exchange) => writeJson(exchangeNote, exchange);
export const forgetExchange = () => rmSync(exchangeNote, { force: true });

/** The plan of a killed restore, if there is one. */
export function exchangeBegun(): Exchange | undefined {
  if (!existsSync(exchangeNote)) {
    return undefined;
  }
  return JSON.parse(readFileSync(exchangeNote, "utf8")) as Exchange;
}

/** Throws a Refusal while a killed restore is incomplete. */
export function refuseDuringExchange(): void {
  const exchange = exchangeBegun();
  if (!exchange) {
    return;
  }
  throw new Refusal(
    `a restore of the checkpoint "${exchange.name}" is incomplete.`,
    `Complete it first: npm run checkpoint -- restore ${exchange.name}`,
  );
}

/** Removes a checkpoint. Renames it first, so that it is never incomplete. */
export function removeCheckpoint(name: string): void {
  renameSync(checkpointDir(name), join(makePart(), "gone"));
  removeParts();
}

/** Removes unused leftovers of killed runs. Then removes the directory if it is empty. */
export function removeParts(): void {
  if (!existsSync(checkpointsDir)) {
    return;
  }
  const needed = exchangeBegun()?.part;
  for (const name of readdirSync(checkpointsDir)) {
    const path = join(checkpointsDir, name);
    if (name.startsWith(".part-") && path !== needed) {
      rmSync(path, { recursive: true, force: true, maxRetries: 3 });
    }
  }
  if (readdirSync(checkpointsDir).length === 0) {
    rmdirSync(checkpointsDir);
  }
}

/** The allocated bytes of all files in a tree. Counts a file with several names once. */
export function sizeOnDisk(path: string): number {
  const seen = new Set<number>();
  const sizeOf = (file: string): number => {
    const { ino, blocks, nlink } = lstatSync(file);
    if (nlink > 1 && seen.has(ino)) {
      return 0;
    }
    seen.add(ino);
    return blocks * 512;
  };
  const below = (dir: string): number =>
    readdirSync(dir, { withFileTypes: true })
      .map((entry) => (entry.isDirectory() ? below : sizeOf)(join(dir, entry.name)))
      .reduce((sum, size) => sum + size, sizeOf(dir));
  return lstatSync(path).isDirectory() ? below(path) : sizeOf(path);
}

/** Bytes that must stay free, so that a running lab can write. */
const RESERVE = 512 * 2 ** 20;

/** Throws a Refusal if a copy would fill the disk. */
export function checkSpace(what: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(stateDir);
  const free = bavail * bsize;
  if (free >= bytes + RESERVE) {
    return;
  }
  throw new Refusal(
    `${what}: the file system of ${stateDir} must have ${human(bytes + RESERVE)} free (${human(bytes)} to copy, and ${human(RESERVE)} for the lab); it has ${human(free)}.`,
    "Make room there, or delete checkpoints: npm run checkpoint -- list",
  );
}
