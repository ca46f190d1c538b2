import { existsSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { hostOf, type Host } from "../support/host";
import { useLab } from "../support/lab";

/*
 * Topics as settings. Each test starts from what the one before it left.
 */

const SMALL = { zookeeperNodes: 1, brokers: 2, replicationFactor: 2 };
const KAFKA = "/usr/local/kafka/bin";
const BOOTSTRAP = "--bootstrap-server localhost:9092";
const ORDERS = { partitions: 2, config: { "retention.ms": 3600000, "cleanup.policy": "delete" } };
const CLICKS = { partitions: 1, replicationFactor: 1 };

const lab = useLab("topics", (lab) => {
  lab.configure({ ...SMALL, topics: { orders: ORDERS, clicks: CLICKS } });
  return lab.up();
});
let broker: Host;

beforeAll(async () => {
  broker = hostOf(await lab.hosts(), "peter-kafka01");
});

/** Brings the lab up with these topics. */
async function up(topics: object) {
  lab.configure({ ...SMALL, topics });
  return lab.run("up");
}

/** `partitions x replicas` of every topic, but for Kafka's own and the smoke test's. */
async function topics(): Promise<Record<string, string>> {
  const text = await broker.run(`${KAFKA}/kafka-topics.sh ${BOOTSTRAP} --describe`);
  const found = text.matchAll(
    /^Topic: (\S+)\s.*PartitionCount: (\d+)\s+ReplicationFactor: (\d+)/gm,
  );
  return Object.fromEntries(
    [...found]
      .filter(([, name]) => name !== "peter-overview01")
      .map(([, name = "", partitions = "", replicas = ""]) => [
        name,
        `${partitions} x ${replicas}`,
      ]),
  );
}

/** What is set for a topic itself. */
async function config(topic: string): Promise<string[]> {
  const text = await broker.run(
    `${KAFKA}/kafka-configs.sh ${BOOTSTRAP} --entity-type topics --entity-name ${topic} --describe`,
  );
  return [...text.matchAll(/^ +(\S+) sensitive=/gm)].map(([, pair = ""]) => pair).sort();
}

test("topics are made with partitions, replicas and configuration", async () => {
  expect(await topics()).toEqual({ orders: "2 x 2", clicks: "1 x 1" });
  expect(await config("orders")).toEqual(["cleanup.policy=delete", "retention.ms=3600000"]);
  expect(await config("clicks")).toEqual([]);
});

test("with nothing changed nothing is done", async () => {
  await lab.expectNoChanges();
});

test("partitions grow and configuration changes live, and what is left out is the default", async () => {
  await broker.run("echo kept | kcat -P -b localhost:9092 -t orders -p 1");
  const started = "systemctl show -P ActiveEnterTimestampMonotonic kafka-server";
  const before = await broker.run(started);
  const { status, output } = await up({
    orders: { partitions: 3, config: { "segment.bytes": 1048576, "retention.ms": 7200000 } },
    clicks: CLICKS,
  });
  expect(status, output).toBe(0);
  expect(await topics()).toEqual({ orders: "3 x 2", clicks: "1 x 1" });
  expect(await config("orders")).toEqual(["retention.ms=7200000", "segment.bytes=1048576"]);
  expect(await broker.run("kcat -C -q -e -b localhost:9092 -t orders -p 1")).toBe("kept\n");
  expect(await broker.run(started)).toBe(before);
});

test("fewer partitions and other replicas are refused, with all faults, before any change", async () => {
  const { status, output } = await up({
    orders: { partitions: 1 },
    clicks: { partitions: 4, replicationFactor: 2 },
    fresh: { partitions: 1 },
  });
  expect(status).not.toBe(0);
  expect(output).toContain(
    'topic "orders": partitions must be 3 or more, as many as it has; got 1.',
  );
  expect(output).toContain('topic "clicks": replicationFactor must be 1, as it has; got 2.');
  expect(await topics()).toEqual({ orders: "3 x 2", clicks: "1 x 1" });
  expect(await config("orders")).toEqual(["retention.ms=7200000", "segment.bytes=1048576"]);
});

test("a value that only Kafka refuses is refused before partitions are added", async () => {
  const { status, output } = await up({
    clicks: { ...CLICKS, partitions: 2, config: { "cleanup.policy": "no-such" } },
  });
  expect(status).not.toBe(0);
  expect(output).toContain("Invalid value no-such for configuration cleanup.policy");
  expect(output).toContain('topic "clicks": kafka-configs.sh has failed, for the reason above;');
  expect((await topics()).clicks).toBe("1 x 1");
});

test("one made by hand is taken over, one left out stays and is named, one goes when asked", async () => {
  await broker.run(
    `${KAFKA}/kafka-topics.sh ${BOOTSTRAP} --create --topic by-hand --partitions 1 --replication-factor 1 --config retention.ms=1`,
  );
  const { status, output } = await up({
    "by-hand": { partitions: 2, replicationFactor: 1 },
    clicks: { deleted: true },
  });
  expect(status, output).toBe(0);
  expect(output).toContain('topic "orders" is not in kafkalab:topics; it is left as it is');
  expect(await topics()).toEqual({ orders: "3 x 2", "by-hand": "2 x 1" });
  expect(await config("by-hand")).toEqual([]);
});

test("destroy needs nothing by hand", async () => {
  await lab.destroy();
  expect(existsSync(lab.stateDir)).toBe(false);
});
