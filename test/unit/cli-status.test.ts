import { describe, expect, test } from "vitest";
import type { LabHost } from "../../cli/hosts/hosts";
import { type Partition, readHostReport } from "../../cli/status/host-report";
import { renderStatus } from "../../cli/status/render";
import { type Findings, type HostAnswer, judgeLab } from "../../cli/status/report";

const partition = (number: number, inSync = [1, 2, 3]): Partition => ({
  ...{ partition: number, leader: 1, replicas: [1, 2, 3], inSync },
});

const host = (name: string): LabHost => ({
  ...{
    names: [name],
    privateIp: "10.0.0.1",
    publicIp: "198.18.0.1",
    hostKey: "",
    address: "198.18.0.1",
  },
});

const BROKERS = new Map([[1, "peter-kafka01.foo.bar:9092"]]);

function broker(topics: Record<string, Partition[]>, brokers = BROKERS): HostAnswer {
  const metadata = { controller: 1, brokers, topics: new Map(Object.entries(topics)) };
  return {
    report: { upSeconds: 7500, service: "kafka-server", state: "active", disk: "1%", metadata },
  };
}

const CLOUD = {
  restarted: false,
  hosts: { "peter-kafka01": "running" as const },
  networks: { net: { dns: "ok", wayOut: "ok" } },
};

function judge(answer: HostAnswer, rest: Partial<Findings> = {}) {
  return judgeLab({
    ...{ stack: "local", target: "local", hosts: [host("peter-kafka01")], cloud: CLOUD },
    answers: new Map([["peter-kafka01", answer]]),
    ...rest,
  });
}

test("a host's report is read, and one without its end is none", () => {
  const kcat = {
    ...{ controllerid: 2, brokers: [{ id: 2, name: "a:9092" }], query: { topic: "*" } },
    topics: [
      {
        topic: "t",
        partitions: [{ partition: 0, leader: -1, replicas: [{ id: 2 }], isrs: [] }],
      },
    ],
  };
  const text = `up 60\ndisk 3%\nservice kafka-server\nstate active\nmetadata ${JSON.stringify(kcat)}\nend\n`;
  expect(readHostReport(text)).toEqual({
    ...{ upSeconds: 60, service: "kafka-server", state: "active", disk: "3%" },
    metadata: {
      controller: 2,
      brokers: new Map([[2, "a:9092"]]),
      topics: new Map([["t", [{ partition: 0, leader: -1, replicas: [2], inSync: [] }]]]),
    },
  });
  expect(readHostReport(text.replace("end\n", ""))).toBeUndefined();
  expect(readHostReport("metadata \nend\n")).not.toHaveProperty("metadata");
});

describe("topics", () => {
  const fifty = Array.from({ length: 50 }, (_, index) => partition(index));

  test("internal ones are one line, unless all are asked for", () => {
    const status = judge(broker({ t: [partition(0)], __consumer_offsets: fifty }));
    expect(status.well).toBe(true);
    const lines = renderStatus(status, false).split("\n");
    expect(lines).toContain(
      "internal: __consumer_offsets 50 partitions, in sync (npm run status -- --topics shows each partition)",
    );
    expect(lines.filter((line) => line.startsWith("__"))).toEqual([]);
    expect(lines.length).toBeLessThan(24);
    const all = renderStatus(status, true).split("\n");
    expect(all.filter((line) => line.startsWith("__consumer_offsets"))).toHaveLength(50);
  });

  test("what is not in sync is always shown", () => {
    const offsets = [...fifty.slice(0, 49), partition(49, [1])];
    const status = judge(broker({ t: [partition(0)], __consumer_offsets: offsets }));
    expect(status.well).toBe(false);
    const text = renderStatus(status, false);
    expect(text).toMatch(/^__consumer_offsets +49 +1 +1,2,3 +1 +under-replicated$/m);
    expect(text).toContain("__consumer_offsets 50 partitions, 1 under-replicated");
  });

  test("a large one of the user's own is one line", () => {
    const text = renderStatus(judge(broker({ t: fifty })), false);
    expect(text).toMatch(/^t +50 of 50 +all$/m);
  });

  test("without any, something is wrong", () => {
    const status = judge(broker({}));
    expect(status.well).toBe(false);
    expect(renderStatus(status, false)).toContain("no broker tells of any topic");
  });
});

test.each<[string, HostAnswer, string]>([
  ["serves and controls", broker({ t: [] }), "broker 1, controller"],
  [
    "is not registered",
    broker({ t: [] }, new Map([[2, "peter-kafka02.foo.bar:9092"]])),
    "not serving: registered are 1 brokers, this is none",
  ],
  ["does not answer", broker({}, new Map()), "no answer on port 9092"],
  ["is down", { down: "no route" }, "no route"],
])("a broker that %s", (_, answer, role) => {
  expect(judge(answer).hosts[0]?.role).toBe(role);
});

describe("what to do", () => {
  test("after a restart of the machine", () => {
    const cloud = { ...CLOUD, restarted: true, hosts: { "peter-kafka01": "stopped" as const } };
    const status = judge({ down: "stopped" }, { cloud });
    expect(status).toMatchObject({ well: false, machineRestarted: true });
    expect(renderStatus(status, false)).toContain(
      "The machine was restarted, so the hosts are stopped. Their disks are kept.\nStart them with: npm run up",
    );
  });

  test("when hosts are stopped", () => {
    const cloud = { ...CLOUD, hosts: { b: "stopped" as const, a: "stopped" as const } };
    expect(judge({ down: "stopped" }, { cloud }).remedy).toBe(
      "Stopped: a, b\nStart with: npm run up",
    );
  });

  test.each([
    [{ dns: "down", wayOut: "ok" }, false],
    [{ dns: "ok", wayOut: "no answer from the machine's resolver" }, false],
    [{ dns: "ok", wayOut: "none" }, true],
  ])("with the network %o", (net, well) => {
    const status = judge(broker({ t: [partition(0)] }), { cloud: { ...CLOUD, networks: { net } } });
    expect([status.well, status.remedy]).toEqual([
      well,
      well ? undefined : "Mend the network with: npm run up",
    ]);
  });
});
