import { expect, test } from "vitest";
import { readPins } from "../../components/lib/archive-pins";
import { readBrokerKeys } from "../../components/lib/kafka-keys";
import { KAFKA_KERNEL, kafkaUnit, serverProperties } from "../../components/lib/kafka-config";
import { LISTENER_KEYS, listenerLines, type Outside } from "../../components/lib/kafka-listeners";
import { PLAINTEXT } from "../../components/lib/kafka-security";
import { ZOOKEEPER_KERNEL, zooCfg, zookeeperUnit } from "../../components/lib/zookeeper-config";
import { minInSyncReplicas } from "../../operator/kafka/availability";

/** `name=value` lines. */
function properties(text: string): Record<string, string> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
}

test("zoo.cfg holds the book's values", () => {
  expect(properties(zooCfg({}))).toEqual({
    dataDir: "/data/zk",
    clientPort: "2181",
    tickTime: "2000",
    initLimit: "10",
    syncLimit: "5",
    "autopurge.snapRetainCount": "3",
    "autopurge.purgeInterval": "1",
    "admin.enableServer": "false",
    "4lw.commands.whitelist": "conf,mntr,ruok,srvr",
    standaloneEnabled: "false",
    reconfigEnabled: "true",
  });
});

test("server.properties holds the book's values, and those that operators expect", () => {
  const text = serverProperties({
    id: 2,
    advertisedName: "peter-kafka02.foo.bar",
    rack: "apne2-az2",
    zookeepers: ["peter-zk01.foo.bar", "peter-zk02.foo.bar"],
    replicationFactor: 3,
    heapMiB: 384,
    version: "3.9.1",
    lines: {},
  });
  expect(properties(text)).toEqual({
    "broker.id": "2",
    "broker.rack": "apne2-az2",
    listeners: "PLAINTEXT://0.0.0.0:9092",
    "advertised.listeners": "PLAINTEXT://peter-kafka02.foo.bar:9092",
    "zookeeper.connect": "peter-zk01.foo.bar:2181,peter-zk02.foo.bar:2181",
    "zookeeper.connection.timeout.ms": "60000",
    "inter.broker.protocol.version": "3.9",
    "log.dirs": "/data/kafka-logs",
    "num.network.threads": "4",
    "num.io.threads": "8",
    "num.partitions": "1",
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    "log.segment.bytes": "1073741824",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "group.initial.rebalance.delay.ms": "3000",
    "log.cleaner.dedupe.buffer.size": "50331648",
    "replica.fetch.backoff.ms": "100",
    "auto.create.topics.enable": "false",
    "unclean.leader.election.enable": "false",
    "controlled.shutdown.enable": "true",
  });
});

test.each<[Outside, string, number, string]>([
  [{ place: "client", address: "203.0.113.5" }, "CLIENT", 9094, "203.0.113.5:9094"],
  [{ place: "tunnel", port: 19_094 }, "TUNNEL", 9095, "localhost:19094"],
])("a listener for clients outside the VPC: %j", (outside, name, port, advertised) => {
  const args = { advertisedName: "peter-kafka02.foo.bar", outside, stage: PLAINTEXT };
  expect(listenerLines(args)).toEqual({
    listeners: `PLAINTEXT://0.0.0.0:9092,${name}://0.0.0.0:${port}`,
    "advertised.listeners": `PLAINTEXT://peter-kafka02.foo.bar:9092,${name}://${advertised}`,
    "listener.security.protocol.map": `PLAINTEXT:PLAINTEXT,${name}:PLAINTEXT`,
    "inter.broker.listener.name": "PLAINTEXT",
  });
  expect(LISTENER_KEYS).toEqual(Object.keys(listenerLines(args)));
});

test("the log cleaner has no more than Kafka's default of a heap larger than the book's", () => {
  const text = serverProperties({
    id: 1,
    advertisedName: "a",
    rack: "r",
    zookeepers: ["z"],
    replicationFactor: 1,
    heapMiB: 16384,
    version: "3.9.1",
    lines: {},
  });
  expect(properties(text)).toMatchObject({ "log.cleaner.dedupe.buffer.size": "134217728" });
});

test("keys of settings and further keys join the lab's, and win over the book's", () => {
  const broker = serverProperties({
    ...{
      id: 1,
      advertisedName: "a",
      rack: "r",
      zookeepers: ["z"],
      replicationFactor: 1,
      heapMiB: 1024,
      version: "3.9.1",
    },
    lines: { "num.partitions": "6", "log.retention.hours": "48" },
    further: { "num.io.threads": "16", "log.cleaner.threads": "2" },
  });
  expect(properties(broker)).toMatchObject({
    "num.io.threads": "16",
    "log.cleaner.threads": "2",
    "num.partitions": "6",
    "log.retention.hours": "48",
    "num.network.threads": "4",
    // Kafka's default, at the book's heap.
    "log.cleaner.dedupe.buffer.size": "134217728",
  });
  expect(broker.match(/^num\.io\.threads=/gm)).toHaveLength(1);
  const node = zooCfg({ tickTime: "3000", maxCnxns: "99" }, { syncLimit: "6", snapCount: "5000" });
  expect(properties(node)).toMatchObject({
    tickTime: "3000",
    maxCnxns: "99",
    syncLimit: "6",
    snapCount: "5000",
    clientPort: "2181",
  });
});

test("every pinned Kafka has a table of its keys", () => {
  for (const version of Object.keys(readPins().kafka)) {
    const { live, restart } = readBrokerKeys(version);
    expect(live, version).toContain("log.cleaner.threads");
    expect(restart, version).toContain("queued.max.requests");
  }
});

test.each([
  [1, 1],
  [2, 1],
  [3, 2],
  [5, 4],
])("of %i replicas %i must be in sync", (factor, minimum) => {
  expect(minInSyncReplicas(factor)).toBe(minimum);
});

test.each([
  ["zookeeper", "/data/zk", zookeeperUnit(128)],
  ["kafka", "/data/kafka-logs", kafkaUnit(128)],
])("the unit of %s has a user, limits and a sandbox", (user, data, unit) => {
  const lines = unit.split("\n");
  expect(lines).toEqual(
    expect.arrayContaining([
      `User=${user}`,
      `ReadWritePaths=${data}`,
      "LimitNOFILE=131072",
      "SuccessExitStatus=143",
      "Restart=on-failure",
      "RequiresMountsFor=/data",
      "NoNewPrivileges=yes",
      "ProtectSystem=strict",
      "PrivateTmp=yes",
      "PrivateUsers=yes",
      "SystemCallErrorNumber=EPERM",
      "SystemCallFilter=~@privileged @resources",
      "CapabilityBoundingSet=",
      "WantedBy=multi-user.target",
    ]),
  );
  expect(unit).toContain("-Xms128m -Xmx128m");
});

test("the kernel of a broker's host is set for the page cache, a ZooKeeper node's not to swap", () => {
  expect(KAFKA_KERNEL.split("\n")).toEqual([
    "vm.swappiness = 1",
    "vm.dirty_background_ratio = 5",
    "vm.dirty_ratio = 60",
    "vm.max_map_count = 262144",
  ]);
  expect(ZOOKEEPER_KERNEL).toBe("vm.swappiness = 1");
});

test.each([
  ["kafka-server", kafkaUnit(128), 180],
  ["zookeeper-server", zookeeperUnit(128), 30],
])("%s has time to stop in order", (_, unit, seconds) => {
  expect(unit.split("\n")).toContain(`TimeoutStopSec=${seconds}`);
});

test("JMX is bound to the loopback", () => {
  expect(kafkaUnit(384)).toContain("-Dcom.sun.management.jmxremote.host=127.0.0.1");
  expect(kafkaUnit(384)).toContain("-Dcom.sun.management.jmxremote.port=9999");
});
