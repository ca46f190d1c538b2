import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Lab, useLab } from "../support/lab";
import { difference, snapshot } from "../support/machine";

/*
 * `kill -9` of Pulumi and its plugins, in the middle of `up` and of `destroy`. Each test starts from
 * what the one before it left.
 */

let before: Set<string>;
const lab = useLab("crash", async () => {
  before = await snapshot();
});

const instances = (lab: Lab) => lab.recordsOf("Instance").length;

/** Where `up` is killed: in what order, and how that is told. */
const POINTS: [string, (printed: string) => boolean][] = [
  ["the network is being made", () => lab.recordsOf("Vpc").length === 1],
  ["three hosts are being made", () => instances(lab) >= 3],
  ["services are being installed", (printed) => /Command \S+-install creating/.test(printed)],
  ["founders have been started", (printed) => /Command \S+-install created/.test(printed)],
  ["the operator is at work", (printed) => /Command \S+-ready creating/.test(printed)],
  ["the smoke test runs", (printed) => /smoke-test-round-trip creating/.test(printed)],
];

test.each(POINTS)("up is killed while %s", async (point, reached) => {
  await lab.killAt(["up"], point, reached);
});

test("a lab whose up never ended can be looked at", async () => {
  expect((await lab.pulumi("stack", "output", "--json")).stdout).toBe("{}\n");
  const { stdout, output } = await lab.run("ssh", "peter-kafka03", "hostname -s");
  expect(stdout, output).toBe("peter-kafka03\n");
});

test("the next up ends well, and nothing is orphaned", async () => {
  await lab.up();
  await lab.expectNoChanges();
  const { smokeTest } = await lab.stackOutputs();
  expect([...smokeTest.inSyncReplicas].sort()).toEqual([1, 2, 3]);

  const records = lab.records().map(({ id }) => id);
  const { ids, pending } = await lab.pulumiState();
  expect(pending).toEqual([]);
  expect(records.filter((id) => !ids.has(id))).toEqual([]);
  const ofType = (type: string) =>
    lab
      .recordsOf(type)
      .map(({ id }) => id)
      .sort();
  expect(ofType("Instance")).toHaveLength(6);
  expect(inCloud("instances")).toEqual(ofType("Instance"));
  expect(inCloud("volumes")).toEqual(ofType("Volume").map((id) => `${id}.img`));
  // Whatever was made and given up on the way has left no trace.
  const given = lab.owner.ids.filter((id) => !records.includes(id));
  const traces = [...(await snapshot())].filter((line) => given.some((id) => line.includes(id)));
  expect(traces).toEqual([]);
});

test("destroy is killed, and the next one leaves nothing on the machine", async () => {
  await lab.killAt(["destroy"], "three hosts are gone", () => instances(lab) <= 3);
  await lab.destroy();
  expect(difference(before, await snapshot(), lab.owner)).toEqual([]);
  expect(existsSync(lab.stateDir)).toBe(false);
});

function inCloud(directory: string): string[] {
  return readdirSync(join(lab.stateDir, "cloud", directory)).sort();
}
