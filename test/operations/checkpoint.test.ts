import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Load, readTopic } from "../../cli/drill/load";
import { BOOTSTRAP, Cluster, names } from "../support/cluster";
import { hostOf, same } from "../support/host";
import { useLab } from "../support/lab";
import { difference, snapshot } from "../support/machine";
import { waitFor } from "../support/run";

/*
 * The lab is saved and put back. Each test starts from what the one before it left.
 */

const LOAD = {
  ...{ topic: "checkpoint", partitions: 3, bootstrap: BOOTSTRAP },
  ...{ perSecond: 100, maxSeconds: 120 },
};
/** ZooKeeper's sessions and its quorum outlast this. */
const MAX_STILL_SECONDS = 8;

let machine: Set<string>;
const lab = useLab("checkpoint", async (lab) => {
  machine = await snapshot();
  lab.configure({ clients: 1 });
  await lab.up();
});

const broker = async () => hostOf(await lab.hosts(), "peter-kafka01");
const checkpointsDir = () => join(lab.stateDir, "checkpoints");

async function checkpoint(...args: string[]): Promise<string> {
  const { status, output } = await lab.run("checkpoint", ...args);
  expect(status, output).toBe(0);
  return output;
}

async function refused(...args: string[]): Promise<string> {
  const { status, output } = await lab.run("checkpoint", ...args);
  expect(status, output).toBe(1);
  return output;
}

/** The messages of each partition with their offsets, in order. */
type Messages = Record<number, string[]>;

async function messages(): Promise<Messages> {
  const all: Messages = {};
  for (const { partition, offset, value } of await readTopic(await broker(), LOAD)) {
    (all[partition] ??= []).push(`${offset} ${value}`);
  }
  return all;
}

/** What becomes of a restored lab: the smoke test goes through it, and `up` has nothing to do. */
async function expectWell(): Promise<void> {
  const status = await lab.run("status");
  expect(status.status, status.output).toBe(0);
  await lab.expectNoChanges();
}

async function expectSmokeTest(): Promise<void> {
  const before = (await lab.stackOutputs()).smokeTest;
  await lab.up("--target", "**smoke-test-round-trip", "--replace", "**smoke-test-round-trip");
  const { smokeTest } = await lab.stackOutputs();
  expect(smokeTest.message).not.toBe(before.message);
  expect([...smokeTest.inSyncReplicas].sort()).toEqual([1, 2, 3]);
}

let underLoad: Messages;
let quiet: Messages;
let atSave: { least: number; most: number };

test("hosts stand still for a moment while they are saved under load, and nothing is lost", async () => {
  const load = await Load.start(await broker(), LOAD);
  await waitFor("the load", "under way", 30, () => (load.acknowledged > 300 ? load : "too few"));
  const least = load.acknowledged;
  const output = await checkpoint("save", "under-load");
  atSave = { least, most: load.acknowledged };
  const [, still = "none"] = /they were frozen for ([\d.]+) s/.exec(output) ?? [output];
  expect(Number(still), output).toBeLessThan(MAX_STILL_SECONDS);
  await waitFor("the load", "going on", 60, () =>
    load.acknowledged > atSave.most + 1000 ? load : `${load.acknowledged}`,
  );
  const report = await load.stop();
  expect(report).toMatchObject({ failed: 0, lost: 0, duplicated: 0, outOfOrder: 0 });
  expect(report.longestPauseMs).toBeLessThan(Number(still) * 1000 + 3000);
  process.stderr.write(`still for ${still} s, longest pause ${report.longestPauseMs} ms\n`);
  underLoad = await messages();

  await checkpoint("save", "quiet");
  quiet = await messages();
  expect(quiet).toEqual(underLoad);
});

test("sessions with ZooKeeper outlast a save", async () => {
  const command =
    "sudo journalctl -q -u kafka-server --grep 'Session expired|Creating new session'";
  const { output } = await (await broker()).try(command);
  expect(output).toBe("");
});

test("checkpoints are for root only, and have names of their own", async () => {
  expect(statSync(checkpointsDir()).mode & 0o777).toBe(0o700);
  expect(statSync(join(checkpointsDir(), "quiet")).mode & 0o777).toBe(0o700);
  expect(await refused("save", "quiet")).toContain(
    'kafkalab: Checkpoint "quiet" already exists.\n' +
      "  Choose another name than under-load, quiet; or first: npm run checkpoint -- delete quiet\n",
  );
  expect(await refused("save", "../quiet")).toContain(
    "kafkalab: Checkpoint \"../quiet\": its name must be of 1 to 64 letters, digits, '-', '_' and '.', the first a letter or a digit.\n",
  );
  for (const command of ["restore", "delete"]) {
    expect(await refused(command, "none")).toContain(
      'kafkalab: Checkpoint "none" does not exist.\n  There are: under-load, quiet\n',
    );
  }
  const rows = (await checkpoint("list")).trim().split("\n").slice(-3);
  expect(rows).toEqual([
    expect.stringMatching(/^NAME +TIME \(UTC\) +SIZE +BROKERS +HOSTS$/),
    expect.stringMatching(/^under-load +20\d\d-\S+ [\d:]+ +[\d.]+ [MG]iB +3 +7$/),
    expect.stringMatching(/^quiet +20\d\d-\S+ [\d:]+ +[\d.]+ [MG]iB +3 +7$/),
  ]);
});

const told =
  'a restore of the checkpoint "quiet" is incomplete.\n' +
  "  Complete it first: npm run checkpoint -- restore quiet\n";

const killRestore = () =>
  lab.killAt(
    ["checkpoint", "restore", "quiet"],
    "disks are exchanged",
    () => existsSync(join(checkpointsDir(), ".restore.json")),
    120,
  );

test("a restore that is killed in its middle is ended by the next one, and by nothing else", async () => {
  const load = await Load.start(await broker(), LOAD);
  await waitFor("the load", "under way", 30, () => (load.acknowledged > 300 ? load : "too few"));
  await load.stop();
  const later = await messages();
  expect(later).not.toEqual(quiet);

  await killRestore();
  const up = await lab.run("up");
  expect(up.status).toBe(1);
  expect(up.output).toContain(told);
  expect(await refused("save", "other")).toContain(told);

  const output = await checkpoint("restore", "quiet");
  process.stderr.write(output);
  expect(await messages()).toEqual(quiet);
  await expectWell();
  // The sessions of the moment of saving did not keep brokers from registering.
  expect(await new Cluster(lab).failedStarts()).toEqual(
    same(names("kafka"), "0 restarts, 0 refused"),
  );

  // What was there before is not lost, either.
  const [, before = ""] = /is the checkpoint "(before-[\d-]+)"/.exec(output) ?? [output];
  await checkpoint("restore", before);
  expect(await messages()).toEqual(later);
});

test("what was saved under load holds what was acknowledged by then", async () => {
  process.stderr.write(await checkpoint("restore", "under-load"));
  const found = await messages();
  for (const [partition, all] of Object.entries(underLoad)) {
    const there = found[Number(partition)] ?? [];
    expect(there).toEqual(all.slice(0, there.length));
  }
  const total = Object.values(found).flat().length;
  expect(total).toBeGreaterThanOrEqual(atSave.least);
  // Some were written and not acknowledged yet, of those that were read in the end.
  expect(total).toBeLessThan(Object.values(underLoad).flat().length);
  await expectWell();
  await expectSmokeTest();
});

test("a lab that was destroyed comes back, and nothing is left when checkpoints are deleted, too", async () => {
  const destroyed = await lab.destroy();
  const names = readdirSync(checkpointsDir()).sort();
  expect(destroyed).toContain(
    `the lab's checkpoints stay: ${names.join(" ")} (remove them with: npm run checkpoint -- delete ${names.join(" ")})`,
  );
  await checkpoint("restore", "quiet");
  expect(await messages()).toEqual(quiet);
  await expectWell();

  // A restore that does not come to its end is no dead end.
  await killRestore();
  const refusal = await lab.run("destroy");
  expect(refusal.status).toBe(1);
  expect(refusal.output).toContain(
    `${told}  Or abandon it, and remove the hosts and disks that it has restored; checkpoints stay:\n  npm run destroy -- --abandon-restore\n`,
  );
  const abandoned = await lab.run("destroy", "--abandon-restore");
  expect(abandoned.status, abandoned.output).toBe(0);
  const [, before = ""] =
    /^the restore of "quiet" is abandoned; .* checkpoints stay: quiet, (before-[\d-]+)$/m.exec(
      abandoned.output,
    ) ?? [];
  expect(readdirSync(checkpointsDir()).sort()).toEqual([...names, before].sort());

  await checkpoint("delete", ...[...names, before].filter((name) => name !== "quiet"));
  expect(readdirSync(checkpointsDir())).toEqual(["quiet"]);
  await checkpoint("delete", "quiet");
  expect(difference(machine, await snapshot(), lab.owner)).toEqual([]);
  expect(existsSync(lab.stateDir)).toBe(false);
});
