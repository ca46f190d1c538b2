import { describe, expect, test } from "vitest";
import { readPins } from "../../components/lib/archive-pins";
import { readBrokerKeys } from "../../components/lib/kafka-keys";
import { readSettings } from "../../components/settings";

type Lines = Record<string, string | number | boolean>;

const PINS = readPins();
const AUTHORIZER = { "authorizer.class.name": "kafka.security.authorizer.AclAuthorizer" };
const CSV = { "kafka.metrics.reporters": "kafka.metrics.KafkaCSVMetricsReporter" };
const TIERED = {
  "remote.log.storage.system.enable": true,
  "remote.log.storage.manager.class.name": "com.example.Store",
};
const FOREIGN = {
  "metric.reporters": "com.linkedin.kafka.cruisecontrol.CruiseControlMetricsReporter",
};

/** What is wrong with lines of server.properties, by each Kafka that can be installed. */
function faultsOf(brokerConfig: Lines): string[] {
  const texts = Object.keys(PINS.kafka).map((version) =>
    readSettings(
      { "kafkalab:kafkaVersion": version, "kafkalab:brokerConfig": JSON.stringify(brokerConfig) },
      PINS,
      "x86_64",
    ).faults.map((fault) => fault.replace(`Kafka ${version}`, "Kafka VERSION")),
  );
  const [first = []] = texts;
  expect(new Set(texts.map((faults) => faults.join("\n"))).size).toBe(1);
  return first;
}

describe("a broker takes the keys", () => {
  test.each<[string, Lines]>([
    ["of its authorizer", { ...AUTHORIZER, "super.users": "User:ANONYMOUS;User:admin" }],
    ["of its authorizer", { ...AUTHORIZER, "allow.everyone.if.no.acl.found": true }],
    [
      "of its authorizer's own ZooKeeper",
      {
        ...AUTHORIZER,
        "authorizer.zookeeper.url": "peter-zk01.foo.bar:2181/acls",
        "authorizer.zookeeper.session.timeout.ms": 9000,
        "authorizer.zookeeper.ssl.client.enable": false,
      },
    ],
    ["of Kafka's reporter to files", { ...CSV, "kafka.csv.metrics.reporter.enabled": true }],
    ["of the reporter to JMX, which is always there", { "metrics.jmx.exclude": "kafka.log.*" }],
    ["of labels of metrics", { "metrics.context.team": "data" }],
    [
      "of a store of remote segments",
      { ...TIERED, "rsm.config.dir": "/data/tiered", "rlmm.config.a.b": 1 },
    ],
    [
      "of a store of remote segments, with a prefix of one's own",
      { ...TIERED, "remote.log.storage.manager.impl.prefix": "store.", "store.dir": "/data/x" },
    ],
    ["of the lab's listener", { "listener.name.plaintext.max.connections": 100 }],
    [
      "of a SASL mechanism of the lab's listener",
      { "listener.name.plaintext.scram-sha-256.sasl.login.class": "org.apache.kafka.X" },
    ],
    [
      "of providers of values",
      {
        "config.providers": "file",
        "config.providers.file.class": "org.apache.kafka.common.config.provider.FileConfigProvider",
        "config.providers.file.param.allowed.paths": "/etc/kafka",
      },
    ],
    [
      "of a class that is not Kafka's",
      { ...FOREIGN, "cruise.control.metrics.reporter.bootstrap.servers": "localhost:9092" },
    ],
  ])("%s: %j", (_, lines) => {
    expect(faultsOf(lines)).toEqual([]);
  });
});

describe("a broker takes no keys", () => {
  const lone = (needs: string, lines: Lines, keys = Object.keys(lines)) => [
    `Setting "kafkalab:brokerConfig": it must set ${needs} for ${keys.join(", ")}; got ` +
      `${JSON.stringify(Object.fromEntries(Object.entries(lines).map(([key, value]) => [key, String(value)])))}. ` +
      "Set it, or leave these keys out.",
  ];

  test.each<[string, Lines]>([
    ["authorizer.class.name", { "super.users": "User:a", "allow.everyone.if.no.acl.found": true }],
    ["authorizer.class.name", { "authorizer.zookeeper.ssl.protocol": "TLSv1.3" }],
    [
      "kafka.metrics.reporters to kafka.metrics.KafkaCSVMetricsReporter",
      { "kafka.csv.metrics.dir": "/data/x" },
    ],
    ["remote.log.storage.manager.class.name", { "rsm.config.dir": "/data/tiered" }],
    ["remote.log.storage.system.enable to true", { "rlmm.config.a": 1 }],
    ["config.providers", { "config.providers.file.class": "org.apache.kafka.X" }],
  ])("of a class that no key names: %s", (needs, lines) => {
    expect(faultsOf(lines)).toEqual(lone(needs, lines));
  });

  test.each<[string, Lines, string]>([
    ["a slip of the pen", { ...AUTHORIZER, "super.user": "User:a" }, "Write super.users, or"],
    [
      "a slip of the pen beside a class that is not Kafka's",
      { ...FOREIGN, "num.io.thread": 8 },
      "Write num.io.threads, or",
    ],
    [
      "another listener",
      { "listener.name.PLAINTEXT.max.connections": 1 },
      "Write listener.name.plaintext.max.connections, or",
    ],
    ["a key that is no listener's", { "listener.name.plaintext.broker.rack": "a" }, "eave it out"],
    ["a key of nobody", { ...AUTHORIZER, colour: "red" }, "Leave it out"],
  ])("%s: %j", (_, lines, remedy) => {
    const faults = faultsOf(lines);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain("it must hold keys that Kafka VERSION knows");
    expect(faults[0]).toContain(remedy);
  });

  test("the authorizer of KRaft", () => {
    const name = "org.apache.kafka.metadata.authorizer.StandardAuthorizer";
    expect(faultsOf({ "authorizer.class.name": name })).toEqual([
      `Setting "kafkalab:brokerConfig": it must not set authorizer.class.name to ${name}, which ` +
        `needs KRaft; got {"authorizer.class.name":"${name}"}. ` +
        "Take kafka.security.authorizer.AclAuthorizer.",
    ]);
  });
});

test.each(Object.keys(PINS.kafka))("Kafka %s: no key of its own is unknown", (version) => {
  const { live, restart } = readBrokerKeys(version);
  const lines = Object.fromEntries([...live, ...restart].map((key) => [key, "x"]));
  const raw = {
    "kafkalab:kafkaVersion": version,
    "kafkalab:brokerConfig": JSON.stringify(lines),
  };
  const faults = readSettings(raw, PINS, "x86_64").faults;
  expect(faults.length).toBeGreaterThan(0);
  expect(faults.join()).not.toContain("it must hold keys that Kafka");
});

describe("ports of ZooKeeper", () => {
  const PROMETHEUS = {
    "metricsProvider.className":
      "org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider",
  };
  const faults = (lines: Lines) =>
    readSettings({ "kafkalab:zookeeperConfig": JSON.stringify(lines) }, PINS, "x86_64").faults;

  test.each<[Lines, string]>([
    [
      { ...PROMETHEUS, "metricsProvider.httpPort": 2181 },
      "not give metricsProvider.httpPort the port 2181",
    ],
    [{ "admin.serverPort": 2888 }, "not give admin.serverPort the port 2888"],
    [{ "admin.serverPort": 3888 }, "not give admin.serverPort the port 3888"],
    [{ "admin.serverPort": 80 }, "give admin.serverPort a port from 1024 to 65535"],
    [{ "admin.serverPort": 65536 }, "give admin.serverPort a port from 1024 to 65535"],
    [
      { ...PROMETHEUS, "metricsProvider.httpPort": 8080, "admin.serverPort": 8080 },
      "give admin.serverPort and metricsProvider.httpPort different ports",
    ],
  ])("%j", (lines, rule) => {
    expect(faults(lines)).toHaveLength(1);
    expect(faults(lines)[0]).toContain(`it must ${rule}`);
  });

  test.each<Lines>([
    { "admin.enableServer": true, "admin.serverPort": 8080 },
    { ...PROMETHEUS, "metricsProvider.httpPort": 7000, "admin.serverPort": 1024 },
    { "admin.serverPort": 65535 },
  ])("%j is sound", (lines) => {
    expect(faults(lines)).toEqual([]);
  });
});
