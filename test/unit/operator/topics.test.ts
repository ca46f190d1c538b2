import fc from "fast-check";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { RemoteError, type RemoteHost } from "../../../operator/host";
import type { Configs } from "../../../operator/kafka/configs";
import type { Metadata } from "../../../operator/kafka/metadata";
import { placeNewReplicas } from "../../../operator/kafka/new-replicas";
import {
  checkTopics,
  configChange,
  configOf,
  planTopics,
  sizesOf,
} from "../../../operator/kafka/topic-plan";
import { runTopics } from "../../../operator/kafka/topics";
import type { TopicsWish, TopicWish } from "../../../operator/wish";

const said: string[] = [];
vi.mock("../../../operator/progress", () => ({ report: (line: string) => said.push(line) }));

beforeEach(() => {
  said.length = 0;
});

const topic = (name: string, partitions = 1, replicationFactor = 1): TopicWish => ({
  ...{ name, partitions, replicationFactor, config: {}, deleted: false },
});

/** What brokers 1 and 2 know of topics, each with the replicas of its partitions. */
const knows = (topics: Record<string, number[][]>, brokers = [1, 2]): Metadata => ({
  brokers,
  controller: 1,
  partitions: Object.entries(topics).flatMap(([name, partitions]) =>
    partitions.map((replicas, partition) => ({
      ...{ topic: name, partition, leader: replicas[0] ?? -1, replicas, inSync: replicas },
    })),
  ),
});

const KNOWN = {
  __consumer_offsets: [[1]],
  orders: [
    [1, 2],
    [2, 1],
  ],
  "by-hand": [[1]],
  "peter-overview01": [[1]],
};

describe("checkTopics", () => {
  test.each([
    ["as it is, or new", [topic("orders", 2, 2), topic("clicks", 3, 2)], ["by-hand"], []],
    ["with more partitions", [topic("orders", 3, 2)], ["by-hand"], []],
    ["that is to be deleted", [{ ...topic("orders"), deleted: true }], ["by-hand"], []],
    [
      "with fewer partitions, and another with more replicas",
      [topic("orders", 1, 2), topic("by-hand", 1, 2)],
      [],
      [
        'topic "orders": partitions must be 2 or more, as many as it has; got 1. ' +
          "Partitions only grow: a message is assigned to one by its key, and the messages of two " +
          "cannot be merged in order. Set it to 2, or make another topic and move to that.",
        'topic "by-hand": replicationFactor must be 1, as it has; got 2. Move its ' +
          "replicas first, with /usr/local/kafka/bin/kafka-reassign-partitions.sh on a broker; then " +
          "set it to 2.",
      ],
    ],
    [
      "whose name differs from that of another one in a hyphen",
      [topic("peter.overview01"), topic("by_hand")],
      ["orders", "by-hand"],
      [],
    ],
  ])("a topic %s", (_, topics, unlisted, faults) => {
    const wish = { topics, smokeTopic: "peter-overview01" };
    expect(checkTopics(wish, sizesOf(knows(KNOWN)))).toEqual({ unlisted, faults });
  });

  test("a name that differs from a topic of the cluster only in dots and underscores", () => {
    const wish = { topics: [topic("pay.ments"), topic("a_b.c")], smokeTopic: "smoke" };
    const sizes = sizesOf(knows({ pay_ments: [[1]], "a_b.c": [[1]] }));
    expect(checkTopics(wish, sizes).faults).toEqual([
      'topic "pay.ments": the name must differ from pay_ments, a topic of the cluster, in more than ' +
        "dots and underscores; got pay.ments. Choose another name, or delete pay_ments first.",
    ]);
  });
});

describe("configOf", () => {
  test.each([
    [3, 2, {}, {}],
    [2, 2, {}, { "min.insync.replicas": "1" }],
    [1, 2, {}, { "min.insync.replicas": "1" }],
    [1, 1, {}, {}],
    [2, 2, { "min.insync.replicas": "2" }, { "min.insync.replicas": "2" }],
    [2, undefined, {}, {}],
  ])("%i replicas, where brokers want %s in sync", (replicationFactor, minInSync, config, own) => {
    expect(configOf({ replicationFactor, config }, minInSync)).toEqual(own);
  });

  test("a topic that names nothing can be written to while one of its brokers restarts", () => {
    const factor = fc.integer({ min: 1, max: 9 });
    fc.assert(
      fc.property(factor, factor, (replicationFactor, minInSync) => {
        const own = configOf({ replicationFactor, config: {} }, minInSync)["min.insync.replicas"];
        const required = own === undefined ? minInSync : Number(own);
        expect(required).toBeLessThanOrEqual(Math.max(1, replicationFactor - 1));
      }),
    );
  });
});

const configsOf = (pairs: Record<string, string>): Configs =>
  new Map(Object.entries(pairs).map(([key, value]) => [key, { value, synonyms: [] }]));

describe("configChange", () => {
  const throttle = { "leader.replication.throttled.replicas": "0:1" };
  test.each([
    ["nothing", { a: "1" }, { a: "1" }, undefined],
    ["a new key", {}, { a: "1" }, { set: ["a=1"], remove: [] }],
    ["another value", { a: "1", b: "2" }, { a: "3", b: "2" }, { set: ["a=3"], remove: [] }],
    ["a key less", { a: "1", b: "2" }, { b: "2" }, { set: [], remove: ["a"] }],
    ["a reassignment that is under way", { ...throttle }, {}, undefined],
  ])("%s", (_, own, wanted, change) => {
    expect(configChange(configsOf(own), wanted)).toEqual(change);
  });
});

describe("planTopics", () => {
  const name = fc.constantFrom("a", "b", "c", "d");
  const config = fc.dictionary(fc.constantFrom("x", "y", "z"), fc.constantFrom("1", "2"));
  const wished = fc.record({
    name,
    config,
    partitions: fc.integer({ min: 1, max: 4 }),
    replicationFactor: fc.integer({ min: 1, max: 3 }),
    deleted: fc.boolean(),
  });
  const wishes = fc.uniqueArray(wished, { selector: (each) => each.name });

  test("has nothing to do once everything is done", () => {
    fc.assert(
      fc.property(wishes, fc.integer({ min: 1, max: 3 }), (topics, minInSyncReplicas) => {
        const wanted = topics.filter(({ deleted }) => !deleted);
        const sizes = new Map(wanted.map((each) => [each.name, each]));
        const configs = new Map(
          wanted.map((each) => [each.name, configsOf(configOf(each, minInSyncReplicas))]),
        );
        expect(planTopics({ topics, minInSyncReplicas }, sizes, configs)).toEqual([]);
      }),
    );
  });

  test("creates, shapes and deletes just what differs", () => {
    const topics = [
      topic("new", 2),
      topic("same", 2),
      topic("grown", 3),
      { ...topic("set"), config: { a: "1" } },
      { ...topic("gone"), deleted: true },
      { ...topic("never"), deleted: true },
    ];
    const size = { partitions: 2, replicationFactor: 1 };
    const sizes = new Map(["same", "grown", "set", "gone"].map((each) => [each, size]));
    const configs = new Map([...sizes.keys()].map((each) => [each, configsOf({})]));
    const steps = planTopics({ topics }, sizes, configs);
    expect(steps.map(({ kind, topic }) => `${kind} ${topic.name}`)).toEqual([
      "create new",
      "shape grown",
      "shape set",
      "delete gone",
    ]);
  });
});

describe("placeNewReplicas", () => {
  const brokers = [
    { id: 1, rack: "a" },
    { id: 2, rack: "b" },
  ];

  test("leaves the choice to Kafka where no broker leaves", () => {
    expect(placeNewReplicas([topic("t", 2, 2)], knows(KNOWN), brokers)).toBeUndefined();
  });

  test("puts nothing new on a broker that leaves, and keeps the list of what is there", () => {
    const known = knows({ old: [[3, 1]] }, [1, 2, 3]);
    const placed = placeNewReplicas([topic("old", 2, 2), topic("t", 3, 1)], known, brokers);
    const [old = [], added = []] = ["old", "t"].map((name) => placed?.get(name)?.split(","));
    expect(old).toHaveLength(2);
    expect(old[1]?.split(":").sort()).toEqual(["1", "2"]);
    expect(added).toHaveLength(3);
    expect(new Set(added)).toEqual(new Set(["1", "2"]));
  });
});

describe("runTopics", () => {
  /** A cluster that does what Kafka's tools are called for. */
  function cluster(
    topics: Record<string, number[][]>,
    fails: (call: string) => string | undefined,
  ) {
    const calls: string[] = [];
    const configs: Record<string, Record<string, string>> = {};
    const valueOf = (argv: readonly string[], option: string) =>
      argv[argv.indexOf(option) + 1] ?? "";
    const pairsOf = (lines: string[]) =>
      Object.fromEntries(lines.map((line) => line.split("="))) as Record<string, string>;
    const act = (argv: readonly string[], input: string): string => {
      const name = valueOf(argv, "--topic").replaceAll("\\", "");
      const count = Number(valueOf(argv, "--partitions"));
      if (argv.includes("--create")) {
        const factor = Number(valueOf(argv, "--replication-factor"));
        const replicas = Array.from({ length: factor }, (_, index) => index + 1);
        topics[name] = Array.from({ length: count }, () => replicas);
        configs[name] = pairsOf(argv.filter((_, index) => argv[index - 1] === "--config"));
      } else if (argv.includes("--delete")) {
        name.split("|").forEach((each) => delete topics[each]);
      } else if (argv.includes("--partitions")) {
        topics[name] = Array.from({ length: count }, () => topics[name]?.[0] ?? []);
      } else if (argv.includes("--alter")) {
        const entity = valueOf(argv, "--entity-name");
        configs[entity] = { ...configs[entity], ...pairsOf(input.split("\n").filter(Boolean)) };
      } else {
        return Object.keys(topics)
          .map(
            (each) =>
              `Dynamic configs for topic ${each} are:\n` +
              Object.entries(configs[each] ?? {})
                .map(([key, value]) => `  ${key}=${value} sensitive=false synonyms={}\n`)
                .join(""),
          )
          .join("");
      }
      return "";
    };
    const exec = (argv: readonly string[], input = ""): string => {
      if (argv[0] === "kcat") {
        expect(argv).not.toContain("-t");
        return kcatOutput(knows(topics));
      }
      const call = argv.slice(2).join(" ").replace("/usr/local/kafka/bin/", "");
      calls.push(call.replace(/ --bootstrap-server \S+/, "") + input.replace(/^(?=.)/, " < "));
      const reason = fails(call);
      if (reason !== undefined) {
        throw new RemoteError("peter-kafka01", "", `${reason}\n\tat a.b\n`, 1);
      }
      return act(argv, input);
    };
    const host: RemoteHost = {
      name: "peter-kafka01",
      exec: (argv, options) => Promise.resolve().then(() => exec(argv, options?.input)),
      script: () => Promise.reject(new Error("no script is expected")),
      isOpen: () => Promise.resolve(true),
      ask: () => Promise.reject(new Error("no question is expected")),
    };
    return { host, calls, topics, configs };
  }

  const kcatOutput = ({ brokers, partitions }: Metadata) =>
    JSON.stringify({
      controllerid: 1,
      brokers: brokers.map((id) => ({ id })),
      topics: [...new Set(partitions.map((each) => each.topic))].map((name) => ({
        topic: name,
        partitions: partitions
          .filter((each) => each.topic === name)
          .map(({ partition, leader, replicas }) => ({
            ...{ partition, leader },
            replicas: replicas.map((id) => ({ id })),
            isrs: replicas.map((id) => ({ id })),
          })),
      })),
    });

  const connection = { host: "x", port: 22, user: "u", privateKey: "k", hostKey: "h" };
  const wishOf = (...topics: TopicWish[]): TopicsWish => ({
    kind: "topics",
    brokers: [1, 2].map((id) => ({
      ...{ id, server: `b${id}:9092`, rack: `r${id}` },
      host: { name: "peter-kafka01", connection },
    })),
    topics,
    smokeTopic: "peter-overview01",
  });

  async function run(
    wish: TopicsWish,
    topics: Record<string, number[][]>,
    fails: (call: string) => string | undefined = () => undefined,
  ) {
    const found = cluster({ ...topics }, fails);
    const error = await runTopics(wish, new Map([["peter-kafka01", found.host]])).then(
      () => undefined,
      ({ message }: Error) => message,
    );
    return { ...found, error };
  }

  test("one topic that cannot be changed keeps all from being changed", async () => {
    const wish = wishOf(topic("new"), topic("orders", 1, 2), topic("by-hand", 1, 2));
    const { error, calls, topics } = await run(wish, KNOWN);
    expect(error).toBe("no topic was changed; correct the errors above");
    expect(said).toEqual([
      expect.stringMatching(/^peter-kafka01: topic "orders": partitions must be 2 or more/),
      expect.stringMatching(/^peter-kafka01: topic "by-hand": replicationFactor must be 1/),
    ]);
    expect(calls).toEqual([]);
    expect(topics).toEqual(KNOWN);
  });

  test("a new topic is created and then compared; one that is left out is named", async () => {
    const wish = wishOf({ ...topic("new", 2, 2), config: { a: "1" } }, topic("orders", 2, 2));
    const { error, calls } = await run(wish, KNOWN);
    expect(error).toBeUndefined();
    expect(calls).toEqual([
      "kafka-configs.sh --entity-type topics --describe",
      "kafka-topics.sh --create --topic new --partitions 2 --replication-factor 2 --config a=1",
      "kafka-configs.sh --entity-type topics --describe",
    ]);
    expect(said).toEqual([
      'peter-kafka01: topic "by-hand" is not in kafkalab:topics; it is left as it is',
      "peter-kafka01: creating topic new",
    ]);
  });

  test("a topic that somebody else has just created gets its configuration", async () => {
    const wish = wishOf({ ...topic("new", 2, 1), config: { a: "1" } });
    const topics: Record<string, number[][]> = {};
    const found = cluster(topics, (call) => {
      if (!call.includes("--create")) {
        return undefined;
      }
      topics.new = [[1]];
      return "Error while executing topic command : Topic 'new' already exists.";
    });
    // One partition: the wait for two would end only after a minute, so the topic grows meanwhile.
    setTimeout(() => (topics.new = [[1], [2]]), 50);
    await runTopics(wish, new Map([["peter-kafka01", found.host]]));
    expect(found.configs.new).toEqual({ a: "1" });
  });

  test("a value that Kafka refuses is refused before partitions are added", async () => {
    const wish = wishOf({ ...topic("orders", 3, 2), config: { "cleanup.policy": "no-such" } });
    const { error, topics } = await run(wish, KNOWN, (call) =>
      call.includes("--alter")
        ? "Invalid value no-such for configuration cleanup.policy"
        : undefined,
    );
    expect(error).toBe(
      'topic "orders": kafka-configs.sh has failed, for the reason above; correct kafkalab:topics, ' +
        "or see journalctl -u kafka-server on each broker",
    );
    expect(said.at(-1)).toBe("Invalid value no-such for configuration cleanup.policy");
    expect(topics).toEqual(KNOWN);
  });

  test("deletion names just the topics that are to go", async () => {
    const gone = ["by.hand", "or_ders"].map((name) => ({ ...topic(name), deleted: true }));
    const known = { "by.hand": [[1]], or_ders: [[1]], "by-hand": [[1]] };
    const { error, calls, topics } = await run(wishOf(...gone), known);
    expect(error).toBeUndefined();
    // A dot would stand for any character.
    expect(calls).toEqual(["kafka-topics.sh --delete --if-exists --topic by\\.hand|or_ders"]);
    expect(topics).toEqual({ "by-hand": [[1]] });
  });
});
