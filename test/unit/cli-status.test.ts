import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { LabHost } from "../../cli/hosts/hosts";
import { COLUMN_HEADS, reportedFacts } from "../../cli/status/columns";
import { type HostReport, type Partition, readHostReport } from "../../cli/status/host-report";
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

/** The report of a broker, of which `host.sh` printed also these lines. */
function reportOf(...lines: string[]): HostReport {
  const printed = ["up 7500", "disk 1%", "service kafka-server", "state active", ...lines, "end"];
  const report = readHostReport(`${printed.join("\n")}\n`);
  if (report === undefined) {
    throw new Error("the report of a host was not read");
  }
  return report;
}

const BROKERS = new Map([[1, "peter-kafka01.foo.bar:9092"]]);

function broker(topics: Record<string, Partition[]>, brokers = BROKERS): HostAnswer {
  const metadata = { controller: 1, brokers, topics: new Map(Object.entries(topics)) };
  return { report: { ...reportOf(), metadata } };
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
    certificates: {},
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
  const text = `up 60\nrole leader\nmetadata ${JSON.stringify(kcat)}\nend\n`;
  const report = readHostReport(text);
  expect(report?.role).toBe("leader");
  expect(report?.metadata).toEqual({
    controller: 2,
    brokers: new Map([[2, "a:9092"]]),
    topics: new Map([["t", [{ partition: 0, leader: -1, replicas: [2], inSync: [] }]]]),
  });
  expect(readHostReport(text.replace("end\n", ""))).toBeUndefined();
  expect(readHostReport("metadata \nend\n")).not.toHaveProperty("metadata");
});

/** What `host.sh` prints, the same in `--json`, the head of the column, and the cell. */
const SHOWN: [line: string, json: object, head: string, cell: string][] = [
  ["up 60", { upSeconds: 60 }, "UP", "0h01m"],
  ["up 7620", { upSeconds: 7620 }, "UP", "2h07m"],
  ["service kafka-server", { service: "kafka-server" }, "SERVICE", "kafka-server"],
  ["state active", { state: "active", well: true }, "STATE", "active"],
  ["state failed", { state: "failed", well: false }, "STATE", "failed"],
  ["disk 3%", { disk: "3%" }, "DISK", "3%"],
  ["disk ", { disk: "" }, "DISK", "-"],
];

describe("columns", () => {
  /** The cell of the first host in the column with this head. */
  function cell(head: string, ...judged: Parameters<typeof judge>): string | undefined {
    const [heads, cells] = renderStatus(judge(...judged), false)
      .split("\n")
      .map((line) => line.split(/ {2,}/));
    return cells?.[heads?.indexOf(head) ?? -1];
  }

  const judgedAs = (name: string): Parameters<typeof judge> => {
    const answer = { report: reportOf() };
    return [answer, { hosts: [host(name)], answers: new Map([[name, answer]]) }];
  };

  test("each one is in the table of this test", () => {
    expect(COLUMN_HEADS).toEqual([...new Set(SHOWN.map(([, , head]) => head))]);
  });

  test.each(SHOWN)("of `%s`, which host.sh prints", (line, json, head, shown) => {
    expect(readFileSync("cli/status/host.sh", "utf8")).toContain(`echo "${line.split(" ")[0]} `);
    const { metadata } = reportOf(
      `metadata {"controllerid":1,"brokers":[{"id":1,"name":"peter-kafka01:9092"}],"topics":[]}`,
    );
    const answer: HostAnswer = { report: { ...reportOf(line), metadata } };
    expect(judge(answer).hosts[0]).toMatchObject(json);
    expect(cell(head, answer)).toBe(shown);
  });

  test("a host that is down reports nothing", () => {
    expect(Object.keys(judge({ down: "stopped" }).hosts[0] ?? {})).toEqual([
      ...["name", "publicIp", "privateIp", "up", "role", "well"],
    ]);
    const cells = COLUMN_HEADS.map((head) => cell(head, { down: "stopped" }));
    expect(cells).toEqual(COLUMN_HEADS.map((head) => (head === "UP" ? "down" : "-")));
  });

  test.each([
    ["peter-bastion01", "way in"],
    ["peter-client01", "client"],
    ["peter-client20", "client"],
  ])("%s has no service to report on", (hostName, role) => {
    const judged = judgedAs(hostName);
    const [found] = judge(...judged).hosts;
    expect(found).toMatchObject({ up: true, upSeconds: 7500, role, well: true });
    const names = Object.keys(reportedFacts(reportOf(), true));
    const itsOwn = Object.keys(reportedFacts(reportOf(), false));
    expect(itsOwn).not.toContain("service");
    for (const [at, head] of COLUMN_HEADS.entries()) {
      const name = names[at] ?? "";
      const isShown = itsOwn.includes(name);
      expect(Object.hasOwn(found ?? {}, name), name).toBe(isShown);
      expect(cell(head, ...judged) !== "-", head).toBe(isShown);
    }
  });
});

describe("host.sh", () => {
  /** The facts that only hosts of one product have. They have no column of their own. */
  const OF_ONE_PRODUCT = { zookeeper: ["role"], kafka: ["metadata"] };
  const script = readFileSync("cli/status/host.sh", "utf8");
  const [before = "", zookeeper = "", kafka = "", neither = "", after = ""] = script.split(
    /^(?:if|elif|else|fi)\b.*\n/m,
  );
  const facts = (part: string) =>
    [...new Set([...part.matchAll(/\becho "?(\w+)/g)].map(([, name = ""]) => name))].sort();

  test("prints the same facts for both products, and on a host that has neither yet", () => {
    expect(facts(after)).toEqual(["end"]);
    expect(facts(zookeeper)).toEqual([...facts(neither), ...OF_ONE_PRODUCT.zookeeper].sort());
    expect(facts(kafka)).toEqual([...facts(neither), ...OF_ONE_PRODUCT.kafka].sort());
  });

  test("prints the fact of each column on every host", () => {
    const printed = [...facts(before), ...facts(neither)];
    const shown = SHOWN.map(([line]) => line.split(" ")[0]);
    expect(shown.filter((fact) => !printed.includes(fact ?? ""))).toEqual([]);
  });
});

test.each(["README.md", "README.ko.md"])("%s shows the columns of today", (file) => {
  const text = readFileSync(file, "utf8");
  const [, sample = ""] = /^\$ npm run -s status\n([^]*?)^```$/m.exec(text) ?? [];
  const status = judge(broker({ t: [partition(0)] }));
  const heads = (shown: string) =>
    shown
      .trim()
      .split("\n\n")
      .map((part) => part.split("\n")[0]?.trim().split(/ {2,}/))
      .filter((head) => head?.every((word) => /^[A-Z ]+$/.test(word)));
  expect(heads(sample)).toEqual(heads(renderStatus(status, false)));
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
    expect(renderStatus(status, false)).toContain("no broker reports any topic");
  });
});

test.each<[string, HostAnswer, string]>([
  ["serves and controls", broker({ t: [] }), "broker 1, controller"],
  [
    "is not registered",
    broker({ t: [] }, new Map([[2, "peter-kafka02.foo.bar:9092"]])),
    "not serving: not one of the 1 registered brokers",
  ],
  ["does not answer", broker({}, new Map()), "no answer"],
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
      well ? undefined : "Repair the network with: npm run up",
    ]);
  });
});
