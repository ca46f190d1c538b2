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
 * What is kept of checkpoints, for root only, since their disks and states hold secrets:
 *
 *   checkpoints/NAME/checkpoint.json   what it is; written last
 *   checkpoints/NAME/cloud/            as the local cloud's own directory: state.json, instances/i-…/upper,
 *                                      volumes/vol-….img
 *   checkpoints/NAME/pulumi/           meta.yaml, stacks/
 *   checkpoints/.part-…/               what is being made or removed
 *   checkpoints/.restore.json          a restore that has begun to exchange the lab's disks
 */

export const checkpointsDir = join(stateDir, "checkpoints");
export const checkpointDir = (name: string) => join(checkpointsDir, name);

/** What is known of a checkpoint without a look into its disks. */
export interface Checkpoint {
  format: 1;
  name: string;
  /** ISO 8601, of the moment that it shows. */
  time: string;
  /** Names of its hosts. */
  hosts: string[];
}

/** Names of files and of arguments, which nobody takes for a flag or for something hidden. */
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

/** The checkpoint of that name; refused if there is none. */
export function checkpointOf(name: string): Checkpoint {
  checkName(name);
  const all = checkpoints();
  const found = all.find((checkpoint) => checkpoint.name === name);
  if (found) {
    return found;
  }
  const names = all.map((checkpoint) => checkpoint.name).join(", ");
  throw new Refusal(
    `Checkpoint "${name}": there is none of that name.`,
    names
      ? `There are: ${names}`
      : "There are none. Make one with: npm run checkpoint -- save NAME",
  );
}

/** Whether the host of that name is a broker's. */
export const isBroker = (host: string) => /^peter-kafka\d+$/.test(host);

/** Brokers among the hosts. */
export const brokersOf = ({ hosts }: Checkpoint) => hosts.filter(isBroker);

/** A new directory for something that is being made. */
export function makePart(): string {
  const part = join(checkpointsDir, `.part-${randomBytes(4).toString("hex")}`);
  mkdirSync(part, { recursive: true, mode: 0o700 });
  return part;
}

/** Makes what is whole a checkpoint. */
export function publish(part: string, checkpoint: Checkpoint): void {
  writeJson(join(part, "checkpoint.json"), checkpoint);
  renameSync(part, checkpointDir(checkpoint.name));
}

/** Writes all of the file or, if the process dies, nothing. */
export function writeJson(file: string, value: unknown): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(value, undefined, 1)}\n`, {
    mode: 0o600,
    flush: true,
  });
  renameSync(`${file}.new`, file);
}

/** A restore that has begun to exchange the lab's disks with a copy of the checkpoint's. */
export interface Exchange {
  /** The checkpoint. */
  name: string;
  /** The directory with `new`, the copy, and `old`, what was there. */
  part: string;
  /** What was there, if there was anything: it becomes a checkpoint. */
  before?: Omit<Checkpoint, "format">;
}

const exchangeNote = join(checkpointsDir, ".restore.json");

export const noteExchange = (exchange: Exchange) => writeJson(exchangeNote, exchange);
export const forgetExchange = () => rmSync(exchangeNote, { force: true });

/** The restore that was killed before its end, if one was. */
export function exchangeBegun(): Exchange | undefined {
  if (!existsSync(exchangeNote)) {
    return undefined;
  }
  return JSON.parse(readFileSync(exchangeNote, "utf8")) as Exchange;
}

/** Refuses what must wait for the end of a restore that was killed. */
export function refuseDuringExchange(): void {
  const exchange = exchangeBegun();
  if (!exchange) {
    return;
  }
  throw new Refusal(
    `a restore of the checkpoint "${exchange.name}" did not come to its end.`,
    `End it first: npm run checkpoint -- restore ${exchange.name}`,
  );
}

/** Removes a checkpoint: it is there, or it is not. */
export function removeCheckpoint(name: string): void {
  renameSync(checkpointDir(name), join(makePart(), "gone"));
  removeParts();
}

/** Removes what killed runs have left and nobody needs, and the directory if it is empty then. */
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

/** How many bytes of disk the files below have, holes left out; a file of many names once. */
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

/** What must stay free: a lab that runs must be able to write. */
const RESERVE = 512 * 2 ** 20;

/** Refuses what would fill the disk. */
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
