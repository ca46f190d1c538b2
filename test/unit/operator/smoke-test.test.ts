import { beforeEach, expect, test, vi } from "vitest";
import { RemoteError, type RemoteHost } from "../../../operator/host";
import { refusalIn } from "../../../operator/kafka/smoke-refusals";
import { runSmokeTest } from "../../../operator/kafka/smoke-test";
import type { SmokeTestWish } from "../../../operator/wish";

const said: string[] = [];
vi.mock("../../../operator/progress", () => ({ report: (line: string) => said.push(line) }));

beforeEach(() => {
  said.length = 0;
});

const connection = { host: "x", port: 22, user: "u", privateKey: "k", hostKey: "h" };
const WISH: SmokeTestWish = {
  kind: "smoke-test",
  brokers: [1, 2].map((id) => ({
    ...{ id, server: `b${id}:9092`, rack: `r${id}` },
    host: { name: `host${id}`, connection },
  })),
  topic: "smoke",
  replicationFactor: 2,
};

/** Two hosts of a cluster whose brokers refuse a message for some reasons, one after the other. */
function cluster(topics: string[], refusals: string[] = []) {
  const calls: string[] = [];
  const messages: string[] = [];
  const ids = [{ id: 2 }, { id: 1 }];
  const answer = (argv: readonly string[], input: string): string => {
    if (argv.includes("-L")) {
      const partitions = [{ partition: 0, leader: 2, replicas: ids, isrs: ids }];
      const known = topics.map((topic) => ({ topic, partitions }));
      return JSON.stringify({ controllerid: 1, brokers: ids, topics: known });
    }
    if (argv.includes("-P")) {
      const refusal = refusals.shift();
      if (refusal !== undefined) {
        throw new RemoteError("host1", `% Delivery failed for message: ${refusal}\n`, "", 1);
      }
      messages.push(input);
      return `% Message delivered to partition 0 (offset ${messages.length + 6})\n`;
    }
    if (argv.includes("-C")) {
      return `${messages[Number(argv[argv.indexOf("-o") + 1]) - 7]}\n`;
    }
    if (argv.includes("--create")) {
      topics.push(argv[argv.indexOf("--topic") + 1] ?? "");
    }
    return "";
  };
  const hostOf = (name: string): RemoteHost => ({
    name,
    exec: (argv, options) =>
      Promise.resolve().then(() => {
        const command = argv.join(" ").replace(/^.*(kcat|kafka-\w+\.sh) /, "$1 ");
        if (!command.includes("-L")) {
          calls.push(`${name}: ${command}`);
        }
        return answer(argv, options?.input ?? "");
      }),
    script: () => Promise.reject(new Error("no script is expected")),
    isOpen: () => Promise.resolve(true),
    ask: () => Promise.reject(new Error("no question is expected")),
  });
  const hosts = new Map(["host1", "host2"].map((name) => [name, hostOf(name)]));
  return { calls, messages, hosts };
}

test("sends a message with a key through the first broker, and reads it through the last", async () => {
  const { calls, messages, hosts } = cluster(["smoke"]);
  const result = await runSmokeTest(WISH, hosts);
  expect(result).toEqual({
    message: expect.stringMatching(/^smoke-\d+-\d+$/) as string,
    partition: 0,
    offset: 7,
    leader: 2,
    inSyncReplicas: [2, 1],
  });
  expect(messages).toEqual([result.message]);
  expect(calls).toEqual([
    "host1: kcat -b b1:9092 -P -vvv -t smoke -p 0 -k smoke-test -X acks=all " +
      "-X message.timeout.ms=20000 -X message.send.max.retries=0 -X allow.auto.create.topics=false",
    "host2: kcat -b b2:9092 -C -q -t smoke -p 0 -o 7 -c 1 -e -X topic.auto.offset.reset=error",
  ]);
});

test("creates the topic if it is not there", async () => {
  const { calls, hosts } = cluster([]);
  await runSmokeTest(WISH, hosts);
  expect(calls[0]).toBe(
    "host1: kafka-topics.sh --bootstrap-server b1:9092 --create --if-not-exists --topic smoke " +
      "--partitions 1 --replication-factor 2",
  );
  expect(said).toEqual(["host1: creating topic smoke"]);
});

test("a name that Kafka's metrics could not tell from another topic's is an error", async () => {
  const { calls, hosts } = cluster(["a_b"]);
  await expect(runSmokeTest({ ...WISH, topic: "a.b" }, hosts)).rejects.toThrow(
    'topic "a.b": the name must differ from a_b, a topic of the cluster,',
  );
  expect(calls).toEqual([]);
});

test.each([
  ["Broker: Message size too large", "max.message.bytes=1048588"],
  ["Broker: Message batch larger than configured server segment size", "segment.bytes=1048576"],
  ["Broker: Invalid timestamp", "message.timestamp.type=LogAppendTime"],
  ["Broker: Not enough in-sync replicas", "min.insync.replicas=1"],
])("a topic that refuses the message with %s gets %s", async (refusal, pair) => {
  const { calls, hosts } = cluster(["smoke"], [refusal]);
  expect((await runSmokeTest(WISH, hosts)).offset).toBe(7);
  expect(calls[1]).toContain(`--entity-name smoke --alter --add-config ${pair}`);
  expect(said).toEqual([`host1: setting ${pair} for topic smoke; it was: ${refusal}`]);
});

test("a failure that may pass is waited for", async () => {
  const { calls, hosts } = cluster(["smoke"], ["Broker: Not leader for partition"]);
  expect(refusalIn("Broker: Not leader for partition")).toBeUndefined();
  expect((await runSmokeTest(WISH, hosts)).offset).toBe(7);
  expect(calls).toHaveLength(3);
});
