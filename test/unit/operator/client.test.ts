import { expect, test } from "vitest";
import { RemoteError, type RemoteHost } from "../../../operator/host";
import { metadata, NoAnswer, tool, ToolError } from "../../../operator/kafka/client";

const SERVERS = ["peter-kafka01:9092", "peter-kafka02:9092"];

/** A host on which every command answers, or fails, in the same way. */
function hostThat(answer: () => string) {
  const calls: { argv: readonly string[]; input: string | undefined }[] = [];
  const host: RemoteHost = {
    name: "peter-kafka01",
    exec: (argv, options) => {
      calls.push({ argv, input: options?.input });
      return Promise.resolve().then(answer);
    },
    script: () => Promise.reject(new Error("no script is expected")),
    isOpen: () => Promise.resolve(true),
    ask: () => Promise.reject(new Error("no question is expected")),
  };
  return { host, calls };
}

const failing = (stdout: string, stderr: string) =>
  hostThat(() => {
    throw new RemoteError("peter-kafka01", stdout, stderr, 1);
  });

test("metadata is asked for all topics, never for one by name, which could create it", async () => {
  const { host, calls } = hostThat(() => '{"controllerid":1,"brokers":[{"id":1}],"topics":[]}');
  expect(await metadata(host, SERVERS)).toEqual({ brokers: [1], controller: 1, partitions: [] });
  expect(calls.map(({ argv }) => argv.join(" "))).toEqual([
    "kcat -b peter-kafka01:9092,peter-kafka02:9092 -L -J -m 8 " +
      "-X reconnect.backoff.ms=50 -X reconnect.backoff.max.ms=100",
  ]);
});

test("a cluster that does not answer is named, with kcat's last line", async () => {
  const { host } = failing("", "%3|FAIL|one\n% ERROR: Failed to acquire metadata: it is down\n");
  await expect(metadata(host, SERVERS)).rejects.toThrow(
    new NoAnswer(SERVERS, "peter-kafka01: % ERROR: Failed to acquire metadata: it is down"),
  );
});

test("a tool gets its servers, arguments and input", async () => {
  const { host, calls } = hostThat(() => "done\n");
  const options = { servers: SERVERS, input: "a=b\n" };
  expect(await tool(host, "kafka-configs.sh", ["--alter"], options)).toBe("done\n");
  expect(calls).toEqual([
    {
      argv: [
        "env",
        "KAFKA_JVM_PERFORMANCE_OPTS=-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
        "/usr/local/kafka/bin/kafka-configs.sh",
        "--bootstrap-server",
        "peter-kafka01:9092,peter-kafka02:9092",
        "--alter",
      ],
      input: "a=b\n",
    },
  ]);
});

test.each([
  [
    "kafka-topics.sh, whose stdout has it",
    "WARNING: Due to limitations\nError while executing topic command : Topic 'a' already exists.\n",
    "[2026-11-29 09:51:47,775] ERROR org.apache.kafka.common.errors.TopicExistsException: x\n\tat a.b\n",
    "Topic 'a' already exists.",
  ],
  [
    "kafka-configs.sh, whose stderr has it",
    "",
    "Error while executing config command with args '--alter'\njava.util.concurrent.ExecutionException: " +
      "org.apache.kafka.common.errors.InvalidConfigurationException: Invalid value x: not so\n\tat a.b(c)\n" +
      "Caused by: org.apache.kafka.common.errors.InvalidConfigurationException: Invalid value x: not so\n",
    "Invalid value x: not so",
  ],
  ["one that has another form", "", "one\ntwo\n\tat x\nthree\nfour\n", "two\nthree\nfour"],
  ["one that says nothing", "", "", "no message"],
])("the reason of %s", async (_, stdout, stderr, reason) => {
  const { host } = failing(stdout, stderr);
  const failed = await tool(host, "kafka-x.sh", [], { servers: SERVERS }).catch(
    (error: unknown) => error,
  );
  expect(failed).toBeInstanceOf(ToolError);
  expect(failed).toMatchObject({ reason, message: `kafka-x.sh has failed with ${reason}` });
});
