import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { variables } from "../../bench/hosts";
import { loadScript } from "../../bench/kafka/load";
import { caseName, readLoad, type Case } from "../../bench/kafka/perf-output";
import { writePlainFiles } from "../../bench/kafka/plain-files";

const PROGRESS =
  "65521 records sent, 13104.2 records/sec (12.80 MB/sec), 1423.3 ms avg latency, 2112.0 ms max latency.";
const last = (perSecond: string, p50: number, p99: number) =>
  `333333 records sent, ${perSecond} records/sec (6.42 MB/sec), 120.50 ms avg latency, 431.00 ms max latency, ${p50} ms 50th, 301 ms 95th, ${p99} ms 99th, 430 ms 99.9th.`;
const CONSUMED =
  "2026-11-24 19:00:00:000, 2026-11-24 19:00:05:000, 95.3674, 19.0735, 1000000, 200000.0000, 3200, 1800, 52.9819, 555555.5556";
const ONE: Case = { size: 100, acks: "1", producers: 1 };
const THREE: Case = { size: 100, acks: "all", producers: 3 };
const OUTPUT = [
  "case 100:1:1",
  PROGRESS,
  last("67311.7", 12, 99),
  CONSUMED,
  "case 100:all:3",
  last("30000.5", 40, 400),
  last("20000.0", 50, 380),
  last("10000.0", 45, 420),
  CONSUMED,
  "",
].join("\n");

it("adds what producers send, takes the slowest one's delay, and leaves the wait out of what is consumed", () => {
  expect(readLoad(OUTPUT, [ONE, THREE])).toEqual([
    { ...ONE, recordsPerSecond: 67311.7, p50: 12, p99: 99, consumedPerSecond: 555555.5556 },
    { ...THREE, recordsPerSecond: 60000.5, p50: 50, p99: 420, consumedPerSecond: 555555.5556 },
  ]);
});

it.each([
  ["a producer", last("20000.0", 50, 380), THREE],
  ["the consumer", CONSUMED, ONE],
  ["the case", "case 100:1:1", ONE],
])("makes up no figure where %s is missing", (_, line, missing) => {
  const output = OUTPUT.replace(`${line}\n`, "");
  expect(() => readLoad(output, [missing])).toThrow(/needs a last line of/);
});

it("keeps the lab's settings in plain processes, each on an address and a volume of its own", () => {
  const directory = mkdtempSync(join(tmpdir(), "kafkalab-bench-test-"));
  try {
    const brokers = writePlainFiles(directory, {});
    expect(brokers).toBe("127.77.1.1:9092,127.77.1.2:9092,127.77.1.3:9092");
    const read = (name: string) => readFileSync(join(directory, name), "utf8");
    const broker = read("peter-kafka02/config");
    expect(broker).toContain("listeners=PLAINTEXT://127.77.1.2:9092\n");
    expect(broker).toContain("zookeeper.connect=127.77.2.1:2181,127.77.2.2:2181,127.77.2.3:2181\n");
    expect(broker).toContain("log.dirs=/data/peter-kafka02/data\n");
    expect(broker).toContain("min.insync.replicas=2\n");
    expect(broker).not.toMatch(/peter-.*:\d|0\.0\.0\.0|127\.0\.0\.1/);
    const node = read("peter-kafka02/node");
    expect(node).toMatch(/KAFKA_HEAP_OPTS=-Xms(\d+)m -Xmx\1m/);
    expect(node).toContain("-Dcom.sun.management.jmxremote.host=127.77.1.2");
    expect(read("peter-zk03/config")).toContain("server.3=127.77.2.3:2888:3888\n");
    expect(read("peter-zk03/config")).toContain("clientPortAddress=127.77.2.3\n");
    expect(read("peter-zk03/node")).toContain("MYID='3'\n");
  } finally {
    rmSync(directory, { recursive: true });
  }
});

describe("the load", () => {
  const load = { bootstrap: "a:9092", cases: [ONE, { ...THREE, size: 1024 }] };

  it("has all its records, or a tenth of them for a trial", () => {
    const whole = loadScript({ ...load, warmsUp: true, isTrial: false });
    expect(whole).toContain("WARM_UP='400000'\nCASES='100:1:1:1000000 1024:all:3:200000'\n");
    expect(whole).toContain("CLIENT_FILES=''\n");
    const trial = loadScript({ ...load, warmsUp: true, isTrial: true, clientFiles: "/dev/shm/x" });
    expect(trial).toContain("WARM_UP='40000'\nCASES='100:1:1:100000 1024:all:3:20000'\n");
    expect(trial).toContain("CLIENT_FILES='/dev/shm/x'\n");
    expect(loadScript({ ...load, warmsUp: false, isTrial: false })).toContain("WARM_UP='0'\n");
  });

  it("rejects a size without a number of records", () => {
    const cases = [{ ...ONE, size: 10 }];
    expect(() => loadScript({ ...load, cases, warmsUp: true, isTrial: false })).toThrow(
      "the size of a record must be 100 or 1024 bytes; got 10",
    );
  });

  /** Runs the load with tools that print a canned result. Returns its output, and each command of a tool. */
  function runLoad(inputs: Record<string, string>) {
    const directory = mkdtempSync(join(tmpdir(), "kafkalab-bench-test-"));
    const commands = join(directory, "commands");
    const tool = (name: string, prints: string) => {
      const log = `echo "$(basename "$0") $* KCAT_CONFIG=\${KCAT_CONFIG-}" >>${commands}`;
      writeFileSync(join(directory, name), `#!/bin/bash\n${log}\necho '${prints}'\n`, {
        mode: 0o755,
      });
    };
    tool("kcat", "  broker 1 at a:9092");
    tool("kafka-topics.sh", "Created topic.");
    tool("kafka-producer-perf-test.sh", last("20000.0", 50, 380));
    tool("kafka-consumer-perf-test.sh", CONSUMED);
    try {
      const { stdout, stderr, status } = spawnSync("bash", ["-s"], {
        input:
          variables({ BIN: directory, BOOTSTRAP: "a:9092", BROKER_COUNT: "1", ...inputs }) +
          readFileSync(join(__dirname, "../../bench/kafka/load.sh"), "utf8"),
        env: { ...process.env, PATH: `${directory}:${process.env["PATH"]}` },
      });
      expect(status, stderr.toString()).toBe(0);
      return { output: stdout.toString(), commands: readFileSync(commands, "utf8").split("\n") };
    } finally {
      rmSync(directory, { recursive: true });
    }
  }

  const small = { PARTITIONS: "6", WARM_UP: "10", CASES: `${caseName(THREE)}:30` };

  it("runs every tool without a client's files, in topics that it deletes", () => {
    const { output, commands } = runLoad({ ...small, CLIENT_FILES: "" });
    expect(readLoad(output, [THREE])).toMatchObject([{ recordsPerSecond: 60000 }]);
    expect(commands.join("\n")).not.toMatch(/config |KCAT_CONFIG=./);
    const topics = commands.filter((command) => command.startsWith("kafka-topics.sh"));
    const [, prefix] = / --topic (kafkalab-bench-\d+)-warm /.exec(topics[0] ?? "") ?? [];
    expect(topics[1]).toContain(` --topic ${prefix}-100-all-3 --partitions 6 `);
    expect(topics[2]).toContain(` --delete --topic ${prefix}-.* `);
    // Two producers warm up.
    expect(commands.filter((command) => command.startsWith("kafka-producer"))).toHaveLength(5);
    expect(commands.filter((command) => command.startsWith("kafka-consumer"))).toHaveLength(2);
  });

  it("gives every tool the files of the client", () => {
    const { commands } = runLoad({ ...small, WARM_UP: "0", CLIENT_FILES: "/secret" });
    const options = {
      "kafka-topics.sh": "--command-config /secret/client.properties ",
      "kafka-producer-perf-test.sh": "--producer.config /secret/client.properties ",
      "kafka-consumer-perf-test.sh": "--consumer.config /secret/client.properties ",
      kcat: "KCAT_CONFIG=/secret/kcat.conf",
    };
    for (const [name, option] of Object.entries(options)) {
      const own = commands.filter((command) => command.startsWith(`${name} `));
      expect(own.length, name).toBeGreaterThan(0);
      expect(own.filter((command) => !command.includes(option))).toEqual([]);
    }
    expect(commands.filter((command) => command.includes("-warm"))).toEqual([]);
  });
});
