import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readPins } from "../../components/lib/archive-pins";
import { serverProperties } from "../../components/lib/kafka-config";
import { readBrokerKeys } from "../../components/lib/kafka-keys";
import { zooCfg } from "../../components/lib/zookeeper-config";
import { SETTINGS } from "../../components/settings";
import { brokerKeyRule } from "../../components/settings/broker-keys";
import { boolean, choice, integer, type Setting, text } from "../../components/settings/define";
import { decidedBySettings, fileLines } from "../../components/settings/file-keys";
import { SettingReader } from "../../components/settings/reader";
import { between, rule } from "../../components/settings/rules";
import { zookeeperKeyRule } from "../../components/settings/zookeeper-keys";
import { readProperties } from "../../operator/service/properties";

const PINS = readPins();
const RELEASES = Object.keys(PINS.kafka);
const WORDS = { text: "A toy.", change: "A change restarts nothing." };

const threads = integer({
  ...{ ...WORDS, name: "threads", brokerKey: "num.io.threads", default: 8, example: 9 },
  rule: between(1, 64, "Take 8"),
});
const create = boolean({
  ...{ ...WORDS, name: "create", brokerKey: "auto.create.topics.enable" },
  ...{ default: false, example: true },
});
const codec = choice({
  ...{ ...WORDS, name: "codec", brokerKey: "compression.type" },
  ...{ words: ["gzip", "lz4"], default: "lz4", example: "gzip" },
});
const schemes = text({
  ...{ ...WORDS, name: "schemes", zookeeperKey: "enforce.auth.schemes" },
  ...{ default: "digest", example: "sasl" },
  rule: rule("be a word", (value) => !/^\w+$/.test(value), "Take digest"),
});
const segment = integer({
  ...{ ...WORDS, name: "segment", brokerKey: "log.segment.bytes" },
  ...{ default: 1073741824, example: 536870912 },
  rule: between(14, 2147483647, "Take 1073741824"),
});
const nothing = integer({
  ...{ ...WORDS, name: "nothing", default: 1, example: 2 },
  rule: between(1, 2, "Take 1"),
});
const TOYS: Setting<unknown>[] = [threads, create, codec, schemes, segment, nothing];

function read(raw: Record<string, string>) {
  const entries = Object.entries(raw).map(([name, value]) => [`kafkalab:${name}`, value]);
  return new SettingReader(
    TOYS,
    Object.fromEntries(entries) as Record<string, string>,
    PINS,
    "x86_64",
  );
}

describe("the lines of a file", () => {
  const DEFAULTS = {
    "num.io.threads": "8",
    "auto.create.topics.enable": "false",
    "compression.type": "lz4",
    "log.segment.bytes": "1073741824",
  };

  test.each<[string, Record<string, string>, Record<string, string>]>([
    ["have the defaults", {}, {}],
    ["have a number", { threads: "16" }, { "num.io.threads": "16" }],
    [
      "have a number of ten digits",
      { segment: "1073741825" },
      { "log.segment.bytes": "1073741825" },
    ],
    ["have true or false", { create: "true" }, { "auto.create.topics.enable": "true" }],
    ["have a word", { codec: "gzip" }, { "compression.type": "gzip" }],
    ["have the default in place of a fault", { threads: "0" }, {}],
    ["lack settings of the other file, and of none", { schemes: "sasl", nothing: "2" }, {}],
  ])("%s", (_, raw, lines) => {
    expect(fileLines("brokerKey", TOYS, read(raw))).toEqual({ ...DEFAULTS, ...lines });
  });

  test("are those of zoo.cfg for settings that name a key of it", () => {
    const reader = read({ schemes: "sasl", threads: "16" });
    expect(fileLines("zookeeperKey", TOYS, reader)).toEqual({ "enforce.auth.schemes": "sasl" });
  });
});

describe("a further line may not have the key of a setting", () => {
  const broker = (decided: Record<string, string>) => brokerKeyRule({}, "3.9.1", decided);

  test.each(["num.io.threads", "auto.create.topics.enable", "compression.type"])(
    "%s in server.properties",
    (key) => {
      const decided = decidedBySettings("brokerKey", TOYS);
      expect(broker({})([key, "8"])).toBeUndefined();
      expect(broker(decided)([key, "8"])).toEqual({
        rule: `hold no key that follows from kafkalab:${decided[key]}`,
        remedy: `Leave it out, or change kafkalab:${decided[key]}`,
      });
      expect(broker(decided)(["queued.max.requests", "8"])).toBeUndefined();
    },
  );

  test("enforce.auth.schemes in zoo.cfg", () => {
    const pair: [string, string] = ["enforce.auth.schemes", "sasl"];
    expect(zookeeperKeyRule({})(pair)).toBeUndefined();
    expect(zookeeperKeyRule(decidedBySettings("zookeeperKey", TOYS))(pair)).toEqual({
      rule: "hold no key that follows from kafkalab:schemes",
      remedy: "Leave it out, or change kafkalab:schemes",
    });
  });
});

describe("every setting that stands for a key", () => {
  const named = (file: "brokerKey" | "zookeeperKey") =>
    (SETTINGS as readonly Setting<unknown>[]).flatMap(({ name, change, example, ...setting }) => {
      const key = setting[file];
      return key === undefined ? [] : [{ name, change, key, example: String(example) }];
    });
  const ofLab = {
    brokerKey: readProperties(
      serverProperties({
        ...{ id: 1, advertisedName: "a", rack: "r", zookeepers: ["z"], replicationFactor: 1 },
        ...{ heapMiB: 1024, version: "3.9.1", lines: {} },
      }),
    ),
    zookeeperKey: readProperties(zooCfg({})),
  };

  test.each(["brokerKey", "zookeeperKey"] as const)("has its %s for itself", (file) => {
    const keys = named(file).map(({ key }) => key);
    expect(keys).toEqual([...new Set(keys)]);
    expect(keys.filter((key) => ofLab[file].has(key))).toEqual([]);
  });

  test("has a key of every pinned Kafka that the lab does not decide, and says when it applies", () => {
    expect(named("brokerKey").length).toBeGreaterThan(0);
    for (const { name, key, change, example } of named("brokerKey")) {
      for (const release of RELEASES) {
        expect(brokerKeyRule({}, release, {})([key, example]), name).toBeUndefined();
        const applies = readBrokerKeys(release).restart.includes(key)
          ? /restarts the brokers one by one/
          : /live/;
        expect(change, name).toMatch(applies);
      }
    }
  });

  test("has a key that ZooKeeper knows and the lab does not decide, and says that it restarts nodes", () => {
    for (const { name, key, change, example } of named("zookeeperKey")) {
      expect(zookeeperKeyRule({})([key, example]), name).toBeUndefined();
      expect(change, name).toMatch(/restarts the ZooKeeper nodes one by one/);
    }
  });

  test("is named where the documentation says what restarts what", () => {
    const [, section = ""] = readFileSync("docs/differences.md", "utf8").split(
      "\n## What restarts what\n",
    );
    const names = [...named("brokerKey"), ...named("zookeeperKey")].map(({ name }) => name);
    expect(names.filter((name) => !section.includes(`\`kafkalab:${name}\``))).toEqual([]);
  });
});
