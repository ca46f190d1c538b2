import { expect, test, vi } from "vitest";
import { Cluster } from "../support/cluster";
import { type Settings, useLab } from "../support/lab";

/*
 * A lab that changes between the topologies, and keeps its data. Each test starts from what the one
 * before it left.
 */

// Every host is made anew, and those behind a bastion are reached with the official plugin's waits.
vi.setConfig({ testTimeout: 1_200_000 });

const PRIVATE: Settings = { topology: "private" };

const lab = useLab("topology", async (lab) => {
  lab.upSeconds = 900;
  await lab.up();
});
const cluster = new Cluster(lab);

const ids = (type: string) =>
  lab
    .recordsOf(type)
    .map(({ id }) => id)
    .sort();

test.each([
  ["private", PRIVATE, 7],
  ["public", {}, 6],
  ["private", PRIVATE, 7],
] as const)(
  "a change to the %s topology makes every host anew, and keeps volumes and data",
  async (_, settings, hosts) => {
    const message = await cluster.produce();
    const [before, instances, volumes] = [await cluster.segments(), ids("Instance"), ids("Volume")];
    lab.configure(settings);
    await lab.up();
    expect(ids("Volume")).toEqual(volumes);
    expect(ids("Instance").filter((id) => instances.includes(id))).toEqual([]);
    expect(ids("Instance")).toHaveLength(hosts);
    expect(Object.keys((await lab.stackOutputs()).hosts)).toHaveLength(hosts);
    // A log that is replicated from its beginning is another file.
    expect(await cluster.segments()).toEqual(before);
    expect(await cluster.messages()).toContain(message);
    await lab.expectNoChanges();
  },
);
