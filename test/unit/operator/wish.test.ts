import { describe, expect, test } from "vitest";
import { wish } from "../../../operator/wish";

const connection = { host: "10.0.0.1", user: "admin", privateKey: "k", hostKey: "h" };
const target = { name: "peter-kafka01", connection };
const service = {
  ...{ name: "kafka-server", user: "kafka", link: "/usr/local/kafka", release: "kafka_2.13-3.9.1" },
  ...{ data: "/data/kafka", configFile: "config/server.properties", loggingFile: "config/l" },
  ...{ logging: "", volumeGiB: 8 },
};
const broker = { id: 1, host: target, server: "peter-kafka01:9092", rack: "a" };
const KAFKA = {
  kind: "kafka",
  service,
  brokers: [
    { ...broker, stages: [{ config: "broker.id=1", unit: "", secrets: { "/etc/x": "secret" } }] },
  ],
  stages: [{ znodeAcls: "secure" }],
  ...{ zookeeper: ["peter-zk01:2181"], liveKeys: ["log.retention.ms"], hasUserKeys: false },
  ...{ replicationFactor: 3, smokeTopic: "smoke", moveThrottleMiBps: 0.5 },
};
const WISHES: Record<string, object> = {
  kafka: KAFKA,
  zookeeper: {
    kind: "zookeeper",
    service: { ...service, name: "zookeeper-server", user: "zookeeper" },
    nodes: [{ id: 1, host: { ...target, name: "peter-zk01" } }],
    levels: [
      { config: "clientPort=2181", unit: "" },
      { config: "clientPort=2181", unit: "", secrets: { "/etc/kafkalab/x": "secret" } },
    ],
    level: 1,
  },
  topics: {
    kind: "topics",
    brokers: [broker],
    topics: [
      {
        ...{ name: "t", partitions: 1, replicationFactor: 1, deleted: false },
        config: { "retention.ms": "1" },
      },
    ],
    smokeTopic: "smoke",
  },
  "smoke-test": { kind: "smoke-test", brokers: [broker], topic: "smoke", replicationFactor: 3 },
};

describe("a wish", () => {
  test.each(Object.keys(WISHES))("of %s is read from its text", (kind) => {
    const text = JSON.stringify(WISHES[kind]).replaceAll(
      '"hostKey":"h"',
      '"hostKey":"h","port":2222',
    );
    expect(wish.parse(JSON.parse(text))).toEqual(JSON.parse(text));
  });

  test("takes SSH's own port if none is named, also for the bastion", () => {
    const proxied = { ...target, connection: { ...connection, proxy: connection } };
    const read = wish.parse({ ...KAFKA, brokers: [{ ...KAFKA.brokers[0], host: proxied }] });
    expect(read).toMatchObject({
      brokers: [{ host: { connection: { port: 22, proxy: { port: 22 } } } }],
    });
  });

  test.each([
    ["without a broker", { ...KAFKA, brokers: [] }, ["brokers"]],
    ["of a broker without files", { ...KAFKA, brokers: [broker] }, ["brokers", 0, "stages"]],
    [
      "with a number of copies that is a text",
      { ...KAFKA, replicationFactor: "3" },
      ["replicationFactor"],
    ],
    [
      "of half a broker",
      { ...KAFKA, brokers: [{ ...KAFKA.brokers[0], id: 1.5 }] },
      ["brokers", 0, "id"],
    ],
    ["without a node", { ...WISHES["zookeeper"], nodes: [] }, ["nodes"]],
    ["without a level", { ...WISHES["zookeeper"], levels: [] }, ["levels"]],
    ["of another kind", { ...KAFKA, kind: "kafkas" }, ["kind"]],
  ])("%s is refused, with the place", (_, value, path) => {
    const { error } = wish.safeParse(value);
    expect(error?.issues.map((issue) => issue.path)).toEqual([path]);
  });
});
