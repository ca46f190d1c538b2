import { existsSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { hostOf, type Host } from "../support/host";
import { useLab } from "../support/lab";

/*
 * Topics as settings, and client hosts. Each test starts from what the one before it left.
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

const TOPIC = "from-client";

/** Writes a record, and then prints all records of the topic. */
const PYTHON = `
import sys
from confluent_kafka import Consumer, Producer

servers, topic, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
producer = Producer({"bootstrap.servers": servers})
producer.produce(topic, b"python")
if producer.flush(30) != 0:
    sys.exit("the record was not delivered")
consumer = Consumer(
    {"bootstrap.servers": servers, "group.id": "python", "auto.offset.reset": "earliest"}
)
consumer.subscribe([topic])
for _ in range(count):
    message = consumer.poll(30)
    if message is None or message.error() is not None:
        sys.exit(f"no record: {message and message.error()}")
    print(message.value().decode())
consumer.close()
`;

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

describe("a client host", () => {
  const STARTED = "systemctl show -P ActiveEnterTimestampMonotonic kafka-server";
  let client: Host;
  let servers: string;
  let before: string;

  beforeAll(async () => {
    before = await broker.run(STARTED);
    lab.configure({ ...SMALL, topics: {}, clients: 1 });
    await lab.up();
    client = hostOf(await lab.hosts(), "peter-client01");
    ({ bootstrapServers: servers } = await lab.stackOutputs());
  });

  test("has Kafka's commands on its PATH, with and without a login shell", async () => {
    await client.run(
      `kafka-topics.sh --bootstrap-server ${servers} --create --topic ${TOPIC} --partitions 1 --replication-factor 2`,
    );
    const list = `kafka-topics.sh --bootstrap-server ${servers} --list`;
    expect((await client.run(`bash -lc '${list}'`)).split("\n")).toContain(TOPIC);
    expect(await client.run("readlink /usr/local/kafka")).toMatch(/^kafka_2\.13-/);
  });

  test("produces and consumes with the console tools, kcat and Python", async () => {
    await client.run(
      `echo console | kafka-console-producer.sh --bootstrap-server ${servers} --topic ${TOPIC}`,
    );
    await client.run(`echo kcat | kcat -P -b ${servers} -t ${TOPIC}`);
    const all = "console\nkcat\npython\n";
    expect(await client.run(`python3 - ${servers} ${TOPIC} 3`, { input: PYTHON })).toBe(all);
    expect(await client.run(`kcat -C -q -e -b ${servers} -t ${TOPIC}`)).toBe(all);
    expect(
      await client.run(
        `kafka-console-consumer.sh --bootstrap-server ${servers} --topic ${TOPIC} --from-beginning --max-messages 3`,
      ),
    ).toBe(all);
  });

  test("has a compiler and virtual environments, and finds other hosts by name", async () => {
    await client.run(
      "cat >/tmp/Client.java && javac -cp '/usr/local/kafka/libs/*' -d /tmp /tmp/Client.java",
      {
        input:
          "class Client { org.apache.kafka.clients.producer.KafkaProducer<String, String> producer; }\n",
      },
    );
    await client.run("python3 -m venv /tmp/venv && /tmp/venv/bin/pip --version");
    await client.run("ping -c 1 peter-zk01");
  });

  test("reaches the brokers' port and nothing else of brokers and ZooKeeper", async () => {
    const reach = (host: string, port: number) =>
      client.try(`timeout 3 bash -c '</dev/tcp/${host}/${port}'`);
    expect(await reach("peter-kafka02", 9092)).toMatchObject({ status: 0 });
    const closed = [
      ["peter-zk01", 2181],
      ["peter-zk01", 2888],
      ["peter-zk01", 3888],
      ["peter-zk01", 22],
      ["peter-kafka01", 22],
      ["peter-kafka01", 9999],
    ] as const;
    const ended = await Promise.all(closed.map(([host, port]) => reach(host, port)));
    // The packets vanish, so `timeout` ends each attempt.
    expect(ended.map(({ status }) => status)).toEqual(closed.map(() => 124));
  });

  test("is in the status, and makes no lab unwell", async () => {
    const { status, output } = await lab.run("status");
    expect(output).toMatch(/^peter-client01 .* client$/m);
    expect(status, output).toBe(0);
  });

  test("comes and goes without a restart of any broker", async () => {
    await lab.expectNoChanges();
    lab.configure({ ...SMALL, topics: {} });
    await lab.up();
    expect([...(await lab.hosts()).keys()]).not.toContain("peter-client01");
    expect(await broker.run(STARTED)).toBe(before);
    await lab.expectNoChanges();
  });
});

test("destroy needs nothing by hand", async () => {
  await lab.destroy();
  expect(existsSync(lab.stateDir)).toBe(false);
});
