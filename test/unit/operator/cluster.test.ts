import { describe, expect, test } from "vitest";
import { KafkaCluster } from "../../../operator/kafka/cluster";
import type { RemoteHost } from "../../../operator/host";
import type { KafkaWish } from "../../../operator/wish";

const ids = (...list: number[]) => list.map((id) => ({ id }));
const topic = (name: string, leader: number) => ({
  topic: name,
  partitions: [{ partition: 0, leader, replicas: ids(1, 2), isrs: ids(2, 1) }],
});
const answer = (...topics: object[]) =>
  JSON.stringify({ controllerid: 2, brokers: ids(1, 2), topics });

/** A host on which every command prints a text, or fails without one. */
const host = (name: string, text: string | undefined): RemoteHost => ({
  name,
  exec: () => (text === undefined ? Promise.reject(new Error("Timed out")) : Promise.resolve(text)),
  script: () => Promise.reject(new Error("no script")),
  isOpen: () => Promise.resolve(true),
  ask: () => Promise.reject(new Error("no port")),
});

const target = (name: string) => ({
  name,
  connection: { host: name, port: 22, user: "u", privateKey: "k", hostKey: "h" },
});

const wish: KafkaWish = {
  kind: "kafka",
  service: {
    ...{ name: "kafka-server", user: "kafka", link: "/usr/local/kafka", release: "r" },
    ...{ data: "/data/kafka", configFile: "c", loggingFile: "l", logging: "" },
    volumeGiB: 1,
  },
  brokers: ["a", "b"].map((name, index) => ({
    ...{
      id: index + 1,
      host: target(name),
      server: `${name}:9092`,
      rack: "r",
      stages: [{ config: "", unit: "" }],
    },
  })),
  stages: [{}],
  ...{ zookeeper: [], liveKeys: [], hasUserKeys: false, replicationFactor: 2, smokeTopic: "s" },
  moveThrottleMiBps: 1,
};

describe("judge", () => {
  const both = [topic("one", 1), topic("two", 2)];
  const differ = "leaders and replicas that b:9092 and a:9092 know differ";

  test.each([
    ["does not know a topic yet", answer(topic("one", 1)), differ],
    ["knows a former leader", answer(topic("one", 2), topic("two", 2)), differ],
    ["does not answer", undefined, "b:9092: no answer from b:9092: Timed out"],
    [
      "knows a lagging replica",
      answer({ topic: "one", partitions: [{ ...topic("one", 1).partitions[0], isrs: ids(1) }] }),
      "b:9092: brokers 1,2; under-replicated one-0",
    ],
  ])("a broker that %s", async (_, other, seen) => {
    const cluster = clusterOf(answer(...both), other);
    expect(await cluster.judge({}, cluster.brokers)).toEqual({ seen });
  });

  test("a broker that says the same, in any order", async () => {
    const cluster = clusterOf(answer(...both), answer(...both.reverse()));
    const found = await cluster.judge({}, cluster.brokers);
    expect(found).toMatchObject({ done: { brokers: [1, 2], controller: 2 } });
  });

  test("a broker that is not asked", async () => {
    const cluster = clusterOf(answer(...both), undefined);
    expect(await cluster.judge({}, [cluster.broker(1)])).toHaveProperty("done");
  });

  function clusterOf(one: string, other: string | undefined): KafkaCluster {
    return new KafkaCluster(
      wish,
      new Map([
        ["a", host("a", one)],
        ["b", host("b", other)],
      ]),
    );
  }
});

describe("the protocol that a broker's data was last written with", () => {
  const FILES = { release: "kafka_2.13-3.9.1", config: "a=1\n", logging: "l\n", unit: "u\n" };

  /** What the operator finds on a host with these files. */
  async function protocol(files: Record<string, string>): Promise<string | undefined> {
    const lines = { systemd: "ActiveState=active\nSubState=running\nNRestarts=0\n", ...files };
    const state = Object.entries(lines)
      .map(([name, text]) => `${name} ${Buffer.from(text).toString("base64")}\n`)
      .join("");
    const asked: string[] = [];
    const found = (name: string): RemoteHost => ({
      ...host(name, answer()),
      script: (_, { FURTHER = "" }) => {
        asked.push(...FURTHER.split(" "));
        return Promise.resolve(state);
      },
    });
    const hosts = new Map(["a", "b"].map((name) => [name, found(name)]));
    const { brokers } = await new KafkaCluster(wish, hosts).look();
    expect(asked).toContain("/data/kafka-protocol");
    return brokers[0]?.protocol;
  }

  test.each([
    ["of its note", { ...FILES, "/data/kafka-protocol": "3.8\n" }, "3.8"],
    [
      "of its note, not of its file",
      { ...FILES, config: "inter.broker.protocol.version=3.9\n", "/data/kafka-protocol": "3.8\n" },
      "3.8",
    ],
    [
      "of its file, where no note is",
      { ...FILES, config: "inter.broker.protocol.version=3.7\n" },
      "3.7",
    ],
    ["of its release, where its file names none", FILES, "3.9"],
    ["of an empty note: that of its release", { ...FILES, "/data/kafka-protocol": "\n" }, "3.9"],
    ["of a new broker: none", {}, undefined],
    ["of a new host with the former data", { "/data/kafka-protocol": "3.8\n" }, "3.8"],
  ])("is that %s", async (_, files, expected) => {
    expect(await protocol(files)).toBe(expected);
  });

  test("is noted with the files that a broker gets", async () => {
    const written: Record<string, string>[] = [];
    const found: RemoteHost = {
      ...host("a", answer()),
      script: (files, variables) => {
        expect(files).toEqual(["service.sh", "service-write.sh"]);
        written.push(variables);
        return Promise.resolve("");
      },
    };
    const hosts = new Map([
      ["a", found],
      ["b", host("b", answer())],
    ]);
    const config = "inter.broker.protocol.version=3.9";
    const files = { release: "r-3.9.1", config, logging: "l", unit: "u" };
    await new KafkaCluster(wish, hosts).broker(1).node.write(files);
    expect(written).toMatchObject([{ FURTHER: "/data/kafka-protocol 3.9", CONFIG: config }]);
  });
});
