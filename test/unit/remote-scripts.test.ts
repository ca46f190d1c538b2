import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { renderScript } from "../../components/lib/scripts";

const DIRECTORY = join(__dirname, "../../scripts/remote");
const FILES = readdirSync(DIRECTORY);

let scratch: string;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "kafkalab-scripts-"));
});

afterAll(() => {
  rmSync(scratch, { recursive: true });
});

/** Runs lines after the shared functions of the given files, as a host would. */
function run(files: string[], lines: string, variables: Record<string, string> = {}) {
  const script = renderScript(["common.sh", ...files], { HOST: "peter-test01", ...variables });
  const { status, stdout, stderr } = spawnSync("bash", ["-s"], { input: `${script}\n${lines}` });
  return { status, stdout: stdout.toString(), stderr: stderr.toString() };
}

describe.each(FILES)("%s", (file) => {
  const text = readFileSync(join(DIRECTORY, file), "utf8");

  test("begins with its purpose, inputs and idempotence", () => {
    expect(text).toMatch(/^#!\/bin\/bash\n# \S/);
    expect(text).toMatch(/^# Inputs: /m);
    expect(text).toMatch(/^# Idempotent: /m);
  });

  test("never deletes below /data", () => {
    expect(text).not.toMatch(/\brm\b[^\n]*(\/data|\$DATA|\$\{DATA)/);
  });
});

describe("kafka_whole", () => {
  const broker = (id: number) => `  broker ${id} at peter-kafka0${id}.foo.bar:9092`;
  const topic = (isrs: string, leader = 1) =>
    `  topic "peter-overview01" with 1 partitions:\n` +
    `    partition 0, leader ${leader}, replicas: 1,2,3, isrs: ${isrs}`;

  test.each([
    ["all is well", [broker(1), broker(2), broker(3), topic("3,1,2")], 0, "whole: brokers 1,2,3"],
    ["no topic", [broker(1), broker(2), broker(3)], 0, "whole: brokers 1,2,3"],
    ["a broker is missing", [broker(1), broker(3)], 1, "brokers 1,3; missing 2"],
    [
      "a replica lags",
      [broker(1), broker(2), broker(3), topic("1,2")],
      1,
      "brokers 1,2,3; under-replicated peter-overview01-0",
    ],
    [
      "no leader",
      [broker(1), broker(2), broker(3), topic("1,2,3, Broker: Leader not available", -1)],
      1,
      "brokers 1,2,3; under-replicated peter-overview01-0",
    ],
    ["nobody", [" 0 brokers:"], 1, "brokers none; missing 1,2,3"],
  ])("%s", (_, lines, status, seen) => {
    const metadata = ["Metadata for all topics:", ...lines].join("\n");
    const result = run(
      ["kafka.sh"],
      'metadata() { printf "%s\\n" "$METADATA"; }\n' +
        'result=0; kafka_whole any:9092 1 2 3 || result=$?; echo "$result $SEEN"',
      { METADATA: metadata },
    );
    expect(result.stdout).toBe(`${status} ${seen}\n`);
  });

  test("no answer", () => {
    const result = run(
      ["kafka.sh"],
      "metadata() { echo 'ERROR: no'; return 1; }\nkafka_whole any:9092 1 || echo \"$SEEN\"",
    );
    expect(result.stdout).toBe("no answer from any:9092: ERROR: no\n");
  });
});

describe("kafka-whole.sh", () => {
  const BROKERS = " broker 1 at a:9092\n broker 2 at b:9092 (controller)\n";
  const topic = (name: string, leader: number) =>
    ` topic "${name}" with 1 partitions:\n  partition 0, leader ${leader}, replicas: 1,2, isrs: 2,1\n`;
  const both = topic("one", 1) + topic("two", 2);
  const differ = "leaders and replicas that b:9092 and a:9092 know differ";

  test.each([
    ["says the same, in any order", topic("two", 2) + topic("one", 1), 0, "whole: brokers 1,2"],
    ["does not know a topic yet", topic("one", 1), 1, differ],
    ["knows a former leader", topic("one", 2) + topic("two", 2), 1, differ],
    ["does not answer", undefined, 1, "b:9092: no answer from b:9092: Timed out"],
  ])("a broker that %s", (_, answer, status, seen) => {
    const result = run(
      ["kafka.sh", "kafka-whole.sh"],
      `metadata() {
        if [[ $1 == b:9092 && -z $OTHER ]]; then echo "Timed out"; return 1; fi
        printf '%s' "$BROKERS"
        if [[ $1 == a:9092 ]]; then printf '%s' "$TOPICS"; else printf '%s' "$OTHER"; fi
      }
      result=0; whole || result=$?; echo "$result $SEEN"`,
      {
        ...{ BROKERS, TOPICS: both, OTHER: answer ?? "" },
        ...{ SERVERS: "a:9092 b:9092", IDS: "1 2" },
      },
    );
    expect(result.stdout).toBe(`${status} ${seen}\n`);
  });
});

describe("kafka-brokers.sh", () => {
  const FILES = ["kafka.sh", "kafka-brokers.sh"];
  const ZONES = "abc";
  const racks = (count: number) =>
    Array.from({ length: count }, (_, index) => `${index + 1}=${ZONES[index % 3]}`).join(" ");

  /** What is left after the moves: replicas by "topic partition". */
  function moved(layout: Record<string, string>, brokers: number) {
    const lines = Object.entries(layout).map(
      ([at, ids]) => `${at} ${ids.split(",")[0]} ${ids} ${ids}`,
    );
    const { stdout } = run(FILES, 'plan_moves "$PARTITIONS"', {
      ...{ RACKS: racks(brokers), PARTITIONS: lines.sort().join("\n") },
    });
    const moves = stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => line.split(" "));
    const after = { ...layout };
    moves.forEach(([topic, partition, ids = ""]) => (after[`${topic} ${partition}`] = ids));
    return { moves: moves.length, after };
  }

  /** Replicas and preferred leaderships of brokers 1 to 5. */
  function shares(layout: Record<string, string>) {
    const all = Object.values(layout).map((ids) => ids.split(","));
    return ["1", "2", "3", "4", "5"].map(
      (id) =>
        `${all.filter((ids) => ids.includes(id)).length}/${all.filter(([lead]) => lead === id).length}`,
    );
  }

  const dealt = (topic: string, partitions: number, factor: number) =>
    Object.fromEntries(
      Array.from({ length: partitions }, (_, partition) => [
        `${topic} ${partition}`,
        Array.from({ length: factor }, (_, place) => ((partition + place) % 3) + 1).join(","),
      ]),
    );
  const three = { ...dealt("a", 6, 3), ...dealt("b", 6, 2) };

  test("new brokers get what keeps racks apart, and lead", () => {
    const { moves, after } = moved(three, 5);
    expect(shares(after)).toEqual(["6/3", "6/2", "8/3", "5/2", "5/2"]);
    expect(moves).toBe(6);
    for (const ids of Object.values(after)) {
      const zones = ids.split(",").map((id) => ZONES[(Number(id) - 1) % 3]);
      expect(new Set(zones).size, ids).toBe(zones.length);
    }
    expect(moved(after, 5).moves).toBe(0);
  });

  test("brokers that go hand over what they have, and nothing else moves", () => {
    const { after: five } = moved(three, 5);
    const { moves, after } = moved(five, 3);
    expect(shares(after)).toEqual(["10/4", "10/4", "10/4", "0/0", "0/0"]);
    expect(moves).toBe(Object.values(five).filter((ids) => /[45]/.test(ids)).length);
  });

  test.each([
    ["a layout made by hand, on all brokers", { "a 0": "1,2", "a 1": "1,2", "b 0": "3" }, 3],
    ["fewer partitions than brokers", { "a 0": "1", "b 0": "2" }, 5],
    ["no topic", {}, 3],
  ])("%s: nothing moves", (_, layout, brokers) => {
    expect(moved(layout, brokers).moves).toBe(0);
  });

  test("two moves of one partition keep its replicas apart", () => {
    expect(moved({ "a 0": "4,5", "b 0": "1,2", "b 1": "2,3" }, 3).after).toEqual({
      ...{ "a 0": "3,1", "b 0": "1,2", "b 1": "2,3" },
    });
  });

  test("many partitions are planned in seconds", () => {
    const many = Array.from({ length: 100 }, (_, index) => dealt(`t${index}`, 10, 3));
    const { after } = moved(Object.assign({}, ...many) as Record<string, string>, 5);
    expect(shares(after).map((share) => share.split("/")[0])).toEqual([
      ...["500", "500", "1000", "500", "500"],
    ]);
  });

  test("a partition is under way while it has its former replicas besides", () => {
    const move = join(scratch, "move");
    writeFileSync(move, "a 0 4,2\na 1 5,2\na 2 4,3\ngone 0 4\n");
    const result = run(
      FILES,
      `MOVE=${move}
      partitions=$'a 0 1 4,2,1 1,2\na 1 5 5,2 5,2\na 2 3 1,3 1,3'
      under_way "$partitions"; put "$MOVE" "$(still_there "$partitions")"; move_json`,
    );
    expect(result.stdout).toBe(
      '1 4\n{"version":1,"partitions":[{"topic":"a","partition":0,"replicas":[4,2]},' +
        '{"topic":"a","partition":1,"replicas":[5,2]},{"topic":"a","partition":2,"replicas":[4,3]}]}\n',
    );
  });

  test("more replicas than brokers are refused, with the topics named", () => {
    const partitions = "a 0 1 1,2,3,4 1\na 1 1 1,2,3,4 1\nb 0 1 1,2,3,4,5 1\nc 0 1 1,2,3 1";
    const { status, stderr } = run(FILES, 'check_factors "$PARTITIONS" 3', {
      PARTITIONS: partitions,
    });
    expect([status, stderr]).toEqual([
      1,
      'peter-test01: setting "kafkalab:brokers": it must be 5 or more, as many as these topics have ' +
        "replicas: a (4), b (5); got 3. Nothing was moved and no broker restarted. Set it to 5; or " +
        "delete these topics, or give them fewer replicas with " +
        "/usr/local/kafka/bin/kafka-reassign-partitions.sh on a broker, and run up again.\n",
    ]);
    expect(run(FILES, 'check_factors "$PARTITIONS" 5', { PARTITIONS: partitions }).status).toBe(0);
  });

  test.each([
    ["all brokers stay", 5, "--partitions 3 --replication-factor 2\n"],
    ["two are about to go", 3, "--replica-assignment 1:2,2:3,3:1\n"],
  ])("a topic that is made while %s", (_, brokers, options) => {
    const answer = ["1", "2", "3", "4", "5"].map((id) => ` broker ${id} at a:9092\n`).join("");
    const lines = 'metadata() { printf "%s" "$ANSWER"; }\nplaced new 3 2';
    const variables = { ANSWER: answer, BOOTSTRAP: "a:9092", RACKS: racks(brokers) };
    expect(run(FILES, lines, variables).stdout).toBe(options);
  });

  test.each([
    ["is there", "", 1],
    ["is neither registered nor to be", "true", 0],
  ])("a lagging replica of a broker that %s", (_, rest, status) => {
    const answer = ` broker 1 at a:9092\n topic "a" with 1 partitions:\n  partition 0, leader 1, replicas: 1,9, isrs: 1\n`;
    const lines = 'metadata() { printf "%s" "$ANSWER"; }\nkafka_whole a:9092 1';
    const variables = { ANSWER: answer, REST_MAY_LACK: rest };
    expect(run(FILES, lines, variables).status).toBe(status);
  });
});

describe("topics-check.sh", () => {
  const METADATA = `Metadata for all topics:
 2 brokers:
  broker 1 at peter-kafka01.foo.bar:9092 (controller)
 4 topics:
  topic "__consumer_offsets" with 50 partitions:
    partition 0, leader 1, replicas: 1, isrs: 1
  topic "orders" with 2 partitions:
    partition 0, leader 1, replicas: 1,2, isrs: 1,2
    partition 1, leader 2, replicas: 2,1, isrs: 2,1
  topic "by-hand" with 1 partitions:
    partition 0, leader 1, replicas: 1, isrs: 1
  topic "peter-overview01" with 1 partitions:
    partition 0, leader 1, replicas: 1, isrs: 1`;
  const BY_HAND = 'peter-test01: topic "by-hand" is not in kafkalab:topics; it is left as it is\n';

  test.each([
    ["as it is, or new", ["orders 2 2", "clicks 3 2"], 0, BY_HAND],
    ["with more partitions", ["orders 3 2"], 0, BY_HAND],
    [
      "with fewer partitions, and another with more replicas",
      ["orders 1 2", "by-hand 1 2"],
      1,
      'peter-test01: topic "orders": partitions must be 2 or more, as many as it has; got 1. ' +
        "Partitions only grow: a message is assigned to one by its key, and the messages of two " +
        "cannot be merged in order. Set it to 2, or make another topic and move to that.\n" +
        'peter-test01: topic "by-hand": replicationFactor must be 1, as it has; got 2. Move its ' +
        "replicas first, with /usr/local/kafka/bin/kafka-reassign-partitions.sh on a broker; then " +
        "set it to 2.\npeter-test01: no topic was changed, for what is said above\n",
    ],
  ])("a topic %s", (_, topics, status, said) => {
    const names = topics.map((line) => line.split(" ")[0]);
    const result = run(
      ["kafka.sh"],
      `${functionsOf("topics-check.sh")}
      metadata() { printf '%s\\n' "$ANSWER"; }
      main`,
      {
        ANSWER: METADATA,
        BOOTSTRAP: "any:9092",
        TOPICS: topics.join("\n"),
        OTHERS: ["peter-overview01", ...names].join(" "),
      },
    );
    expect([result.status, result.stderr]).toEqual([status, said]);
  });
});

describe("the protocol between brokers", () => {
  const of = (protocol: string) =>
    `broker.id=1\ninter.broker.protocol.version=${protocol}\nlog.dirs=x`;
  const variables = {
    ...{ NODE_ID: "1", SERVICE: "kafka-test", DIRECTORY: "kafka_2.13-3.9.1" },
    CONFIG: of("3.9"),
  };
  const note = () => join(scratch, "kafka-protocol");
  /** On a broker whose data was last written with this protocol. */
  function broker(present: string | undefined, lines: string, more: Record<string, string> = {}) {
    rmSync(note(), { force: true });
    if (present !== undefined) {
      writeFileSync(note(), `${present}\n`);
    }
    const script = `PROTOCOL_NOTE=$NOTE\n${lines}`;
    return run(["kafka.sh"], script, { ...variables, NOTE: note(), ...more });
  }
  const SERVES = `service_serves() { return 0; }
    one_release() { SEEN=asked; return $ALIKE; }
    ONE_RELEASE_SECONDS=0\n`;
  const HOLD = `${SERVES}hold_back\necho "$MAY_WAIT"; echo "$CONFIG"`;
  const first = { MAY_WAIT: "true", ALIKE: "0" };
  const second = { MAY_WAIT: "false", ALIKE: "0" };

  test.each([
    ["3.8", "in the first round an older one is kept, and nothing put off", first, "false", "3.8"],
    ["3.9", "in the first round the same one is none to be held back", first, "true", "3.9"],
    [undefined, "a new broker has nothing to hold back", first, "true", "3.9"],
    ["3.8", "in the second round it is raised", second, "false", "3.9"],
  ])("%s: %s", (present, _, round, mayWait, protocol) => {
    const { status, stdout } = broker(present, HOLD, round);
    expect([status, stdout]).toEqual([0, `${mayWait}\n${of(protocol)}\n`]);
  });

  test("it is not raised while brokers are of different releases", () => {
    const { status, stderr } = broker("3.8", HOLD, { ...second, ALIKE: "1" });
    expect([status, stderr]).toEqual([
      1,
      "peter-test01: inter.broker.protocol.version not raised to 3.9: brokers not of one release " +
        "after 0 s; last saw asked; logs: journalctl -u kafka-test on each broker\n",
    ]);
  });

  test.each([
    ["3.8", 0],
    ["3.9", 0],
    ["3.10", 1],
    ["4.0", 1],
    [undefined, 0],
  ])("data of %s, a release of 3.9: %i", (present, status) => {
    const result = broker(present, "check_release");
    expect(result.status).toBe(status);
    expect(result.stderr).toBe(
      status === 0
        ? ""
        : `peter-test01: setting "kafkalab:kafkaVersion": it must be ${present} or later, the ` +
            "inter.broker.protocol.version that is in force here; got 3.9.1, which may not read " +
            "what brokers have written since. Nothing was changed here. Set it to a release of " +
            `${present} or a later one; an older one needs a new lab.\n`,
    );
  });

  test("it is noted before a broker is started with it, and found again", () => {
    const { stdout } = broker("3.8", "note_config\npresent_protocol");
    expect(stdout).toBe("3.9\n");
    expect(readFileSync(note(), "utf8")).toBe("3.9\n");
  });

  const requests = (id: number, fetch: number) =>
    `peter-kafka0${id}.foo.bar:9092 (id: ${id} rack: az${id}) -> (\n` +
    `\tProduce(0): 0 to 11 [usable: 11],\n\tFetch(1): 0 to ${fetch} [usable: 16]\n)\n`;

  test.each([
    ["of one release", requests(3, 17) + requests(1, 17) + requests(2, 17), 0, ""],
    [
      "of two releases",
      requests(3, 17) + requests(1, 17) + requests(2, 16),
      1,
      "other requests from broker 2",
    ],
    [
      "one that does not answer",
      `${requests(1, 17)}peter-kafka02.foo.bar:9092 (id: 2 rack: az2) -> ERROR: Disconnected\n`,
      1,
      "other requests from broker 2",
    ],
    ["without this one", requests(2, 17), 1, "other requests from broker 1"],
  ])("brokers %s", (_, answer, status, seen) => {
    const launcher = join(scratch, "bin/kafka-broker-api-versions.sh");
    mkdirSync(join(scratch, "bin"), { recursive: true });
    writeFileSync(launcher, '#!/bin/bash\nprintf "%s" "$ANSWER"\n', { mode: 0o755 });
    const lines = `export ANSWER\nresult=0; one_release || result=$?; echo "$result $SEEN"`;
    const { stdout } = broker(undefined, lines, { LINK: scratch, ANSWER: answer });
    expect(stdout).toBe(`${status} ${seen}\n`);
  });
});

describe("live_changes", () => {
  const line = (synonyms: string) =>
    `  log.cleaner.threads=x sensitive=false synonyms={${synonyms}}`;
  const of = (source: string, value: number) => `${source}:log.cleaner.threads=${value}`;
  const [dynamic, fixed, fallback] = [
    "DYNAMIC_BROKER_CONFIG",
    "STATIC_BROKER_CONFIG",
    "DEFAULT_CONFIG",
  ];

  test.each([
    ["a new value is told", "2", [of(fallback, 1)], "+ log.cleaner.threads=2\n"],
    [
      "another value is told",
      "3",
      [of(dynamic, 2), of(fixed, 4), of(fallback, 1)],
      "+ log.cleaner.threads=3\n",
    ],
    [
      "one that was told and is in the file now is not told",
      "2",
      [of(dynamic, 3), of(fixed, 2)],
      "- log.cleaner.threads\n",
    ],
    ["one that is so already is left alone", "2", [of(fixed, 2), of(fallback, 1)], ""],
    [
      "one that was told is taken back",
      "",
      [of(dynamic, 2), of(fallback, 1)],
      "- log.cleaner.threads\n",
    ],
    [
      "one of the file gives way to the default",
      "",
      [of(fixed, 2), of(fallback, 1)],
      "+ log.cleaner.threads=1\n",
    ],
    ["one of the file without default cannot go", "", [of(fixed, 2)], "? log.cleaner.threads\n"],
  ])("%s", (_, wanted, synonyms, told) => {
    const config = `# log.cleaner.threads=9\nbroker.id=1\n${wanted && `log.cleaner.threads=${wanted}\n`}`;
    const description = `All configs for broker 1 are:\n${line(synonyms.join(", "))}\n  broker.id=1 sensitive=false synonyms={}`;
    const { stdout } = run(["kafka.sh"], 'live_changes "$TEXT" log.cleaner.threads', {
      ...{ CONFIG: config, TEXT: description },
    });
    expect(stdout).toBe(told);
  });
});

test.each([
  ["1", 1],
  ["2", 0],
  ["22", 1],
])("broker %s leads: %i", (id, status) => {
  const answer = ["1 at a:9092", "2 at b:9092 (controller)", "22 at c:9092"]
    .map((text) => `  broker ${text}\n`)
    .join("");
  const lines = 'metadata() { printf "%s" "$ANSWER"; }\nleads';
  expect(run(["kafka.sh"], lines, { NODE_ID: id, ANSWER: answer }).status).toBe(status);
});

describe("ensemble_whole", () => {
  const NODES = "peter-zk01.foo.bar peter-zk02.foo.bar peter-zk03.foo.bar";

  test.each([
    ["whole", ["follower", "leader", "follower"], 2, 0, 3, 0],
    ["a follower behind", ["follower", "leader", "follower"], 1, 0, 3, 1],
    ["a follower behind, and a node that joins", ["follower", "leader", "follower"], 2, 1, 3, 1],
    ["a node down", ["follower", "leader", ""], 1, 0, 3, 1],
    ["no leader", ["follower", "", ""], 0, 0, 0, 1],
  ])("%s", (_, modes, synced, joining, quorum, status) => {
    const cases = modes.map((mode, i) => `${i + 1}) mode="${mode}" ;;`).join(" ");
    const result = run(
      ["zookeeper.sh", "zookeeper-whole.sh"],
      `ask() {
        local mode number=\${1%%.*}
        case \${number: -1} in ${cases} esac
        [[ -n $mode ]] || return 1
        case $2 in
          srvr) echo "Mode: $mode" ;;
          mntr) printf 'zk_synced_followers\\t${synced}\\nzk_synced_non_voting_followers\\t${joining}\\nzk_quorum_size\\t${quorum}\\n' ;;
        esac
      }
      result=0; ensemble_whole || result=$?
      echo "$result"; echo "$SEEN"`,
      { NODES },
    );
    const roles = modes.map((mode, i) => `peter-zk0${i + 1} ${mode || "down"}`).join(", ");
    expect(result.stdout).toBe(`${status}\n${roles}\n`);
  });
});

describe("the members of an ensemble", () => {
  const line = (id: number) => `server.${id}=peter-zk0${id}:2888:3888:participant`;
  const list = (ids: number[]) => ids.map((id) => `${line(id)};0.0.0.0:2181\n`).join("");
  const names = (count: number) =>
    Array.from({ length: count }, (_, index) => `peter-zk0${index + 1}.foo.bar`).join(" ");
  const conf = (ids: number[]) => `ask() {
    [[ $1 == "$SERVES" && $2 == conf ]] && printf 'clientPort=2181\\nmembership: \\n%s' '${list(ids)}'
  }`;

  test.each([
    ["all are there", 3, [1, 2, 3], "peter-zk03", ""],
    ["two are to come", 5, [1, 2, 3], "peter-zk03", `-add ${line(4)};2181\n`],
    ["one is still to come", 5, [1, 2, 3, 4], "peter-zk03", `-add ${line(5)};2181\n`],
    ["two are to go", 3, [1, 2, 3, 4, 5], "peter-zk01", "-remove 5\n"],
    ["the leader is to go last", 3, [1, 2, 3, 4, 5], "peter-zk05", "-remove 4\n"],
    ["only the leader is still to go", 3, [1, 2, 3, 5], "peter-zk05", "-remove 5\n"],
  ])("next change where %s", (_, count, ids, leader, change) => {
    const lines = `${functionsOf("zookeeper-ready.sh")}\n${conf(ids)}\nLEADER=${leader}; next_change`;
    const { status, stdout } = run(["zookeeper.sh"], lines, {
      ...{ NODES: names(count), SERVES: "127.0.0.1" },
    });
    expect([status, stdout]).toEqual([0, change]);
  });

  test("no change where the members are not known", () => {
    const lines = `${functionsOf("zookeeper-ready.sh")}\n${conf([1])}\nnext_change`;
    const { status, stdout } = run(["zookeeper.sh"], lines, { NODES: names(3), SERVES: "none" });
    expect([status, stdout]).toEqual([1, ""]);
  });

  test("what ZooKeeper answers is told without the password", () => {
    const lines = `${functionsOf("zookeeper-ready.sh")}
      SUPER=$SCRATCH/password; echo opensesame >"$SUPER"
      timeout() { read -r line; echo "[zk: 1] $line"; read -r line; echo "no to $line, opensesame"; }
      reconfigure "-remove 4"; echo "$SEEN"`;
    expect(run(["zookeeper.sh"], lines, { SCRATCH: scratch }).stdout).toBe(
      "the answer to reconfig -remove 4: no to reconfig -remove 4, ...\n",
    );
  });

  describe("first", () => {
    const founders = "peter-zk01=vol-1 peter-test01=vol-2";
    const first = (volume: string, serves: string, prepare = "") => {
      const data = mkdtempSync(join(scratch, "zk-"));
      const lines = `${conf([1, 2, 3])}\nJOIN_SECONDS=0\n${prepare}\nfirst_members; cat "$DATA"/zoo.cfg.dynamic`;
      return run(["zookeeper.sh"], lines, {
        ...{ DATA: data, LINK: data, NODE_ID: "4", NODES: names(5), FOUNDERS: founders },
        ...{ VOLUME: volume, SERVES: serves },
      });
    };

    test("a founder begins with the founders, and asks nobody", () => {
      expect(first("vol-2", "none").stdout).toBe(
        `${line(1)};2181\nserver.2=peter-test01:2888:3888:participant;2181\n`,
      );
    });

    test("any other node joins those that serve", () => {
      expect(first("vol-9", "peter-zk02.foo.bar").stdout).toBe(
        `${[1, 2, 3].map((id) => `${line(id)};2181\n`).join("")}server.4=peter-test01:2888:3888:participant;2181\n`,
      );
    });

    test("any other node founds nothing where none serves", () => {
      const { status, stderr } = first("vol-9", "none");
      expect([status, stderr]).toEqual([
        1,
        "peter-test01: peter-test01, whose data volume is new, found no ensemble that serves to join " +
          `after 0 s; last saw no member that serves on ${names(5)}; logs: journalctl -u ` +
          "zookeeper-server on the other nodes\n",
      ]);
    });

    test("a node of an earlier release of the lab keeps that one's servers", () => {
      const former = "tickTime=2000\nserver.1=peter-zk01.foo.bar:2888:3888\n";
      const prepare = `mkdir "$LINK/conf"; printf '${former}' >"$LINK/conf/zoo.cfg"`;
      expect(first("vol-2", "none", prepare).stdout).toBe(`${line(1)};2181\n`);
    });

    test("a list that is there is left alone", () => {
      expect(first("vol-2", "none", 'echo own >"$DATA/zoo.cfg.dynamic"').stdout).toBe("own\n");
    });
  });

  test.each([
    ["the first", { "zoo.cfg.dynamic": [1, 2] }, [1, 2], "zoo.cfg.dynamic"],
    [
      "the newest that ZooKeeper has written",
      {
        "zoo.cfg.dynamic": [1],
        "zoo.cfg.dynamic.ffffffff": [1, 3],
        "zoo.cfg.dynamic.100000000": [1, 2],
        "zoo.cfg.dynamic.next": [2],
      },
      [1, 2],
      "zoo.cfg.dynamic.100000000",
    ],
    [
      "with this node, where it is none yet",
      { "zoo.cfg.dynamic": [2], "zoo.cfg.dynamic.100000000": [1, 3] },
      [1, 3, 2],
      "zoo.cfg.dynamic",
    ],
  ])("ZooKeeper is started with the list of members that is %s", (_, lists, ids, used) => {
    const data = mkdtempSync(join(scratch, "zk-"));
    const [link, etc] = [mkdtempSync(join(scratch, "link-")), join(data, "etc")];
    writeFileSync(join(data, "myid"), "2\n");
    for (const [name, members] of Object.entries(lists)) {
      writeFileSync(join(data, name), list(members));
    }
    const lines = `mkdir "$LINK/conf" "$LINK/bin"; echo tickTime=2000 >"$LINK/conf/zoo.cfg"
      echo '#!/bin/bash\necho "$@"' >"$LINK/bin/zkServer.sh"; chmod +x "$LINK/bin/zkServer.sh"
      SUPER=$ETC/zookeeper-super HOST=peter-zk02; prepare_start; cat "$SUPER"`;
    const prepared = run(["zookeeper.sh"], lines, { DATA: data, LINK: link, ETC: etc });
    expect(prepared.stdout).toMatch(/^[0-9a-f]{64}$/);
    expect(statSync(join(etc, "zookeeper-super")).mode & 0o777).toBe(0o600);
    const started = spawnSync("bash", [join(etc, "zookeeper-start.sh")]);
    expect([started.status, started.stderr.toString(), started.stdout.toString()]).toEqual([
      ...[0, ""],
      `start-foreground ${join(data, "zoo.cfg")}\n`,
    ]);
    const digest = createHash("sha1").update(`super:${prepared.stdout}`).digest("base64");
    expect(readFileSync(join(data, "zoo.cfg"), "utf8")).toBe(
      "tickTime=2000\n" +
        `dynamicConfigFile=${join(data, used)}\n` +
        `DigestAuthenticationProvider.superDigest=super:${digest}\n`,
    );
    const written = readFileSync(join(data, used), "utf8");
    expect(written.replaceAll("0.0.0.0:", "")).toBe(list(ids).replaceAll("0.0.0.0:", ""));
  });
});

describe("check_identity", () => {
  test("ZooKeeper: a new directory gets its myid", () => {
    const data = join(scratch, "zk-new");
    const variables = { NODE_ID: "2", DATA: data, SERVICE_USER: "zookeeper" };
    // Only root may give a directory to somebody else.
    const install = 'install() { echo "$@"; mkdir "${@: -1}"; }; check_myid';
    expect(run(["zookeeper.sh"], install, variables)).toMatchObject({
      ...{ status: 0, stdout: `-d -m 0750 -o zookeeper -g zookeeper ${data}\n` },
    });
    expect(readFileSync(join(data, "myid"), "utf8")).toBe("2\n");
    expect(run(["zookeeper.sh"], "check_myid", variables).status).toBe(0);
  });

  test("ZooKeeper: another node's myid is refused, with the repair", () => {
    const data = join(scratch, "zk-of-another");
    mkdirSync(data);
    writeFileSync(join(data, "myid"), "2\n");
    const variables = { NODE_ID: "3", DATA: data, SERVICE_USER: "zookeeper" };
    const { status, stderr } = run(["zookeeper.sh"], "check_myid", variables);
    expect(status).toBe(1);
    expect(stderr).toBe(
      `peter-test01: ${data}/myid: it must hold 3; got "2". Either this volume is another node's: ` +
        "attach the right one. Or the file is damaged: write 3 into it.\n",
    );
  });

  test("Kafka: another broker's data is refused, with the repair", () => {
    writeFileSync(join(scratch, "meta.properties"), "version=0\ncluster.id=abc\nbroker.id=1\n");
    const variables = { NODE_ID: "2", DATA: scratch, ZOOKEEPER: "none" };
    const { status, stderr } = run(["kafka.sh"], "check_identity", variables);
    expect(status).toBe(1);
    expect(stderr).toBe(
      `peter-test01: ${scratch}/meta.properties: broker.id must be 2; got "1". Either this volume ` +
        "is another broker's: attach the right one. Or the file is damaged: write the line " +
        "broker.id=2 into it.\n",
    );
  });
});

describe("ZooKeeper's metrics", () => {
  const PROMETHEUS = "org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider";
  const check = (provider: string) =>
    run(["zookeeper.sh"], "check_config && echo sound", {
      CONFIG: `tickTime=2000\nmetricsProvider.className=${provider}\n`,
      DIRECTORY: "apache-zookeeper-0.0.0-bin",
    });

  test("a provider whose library the release lacks is refused before anything changes", () => {
    const { status, stdout, stderr } = check(PROMETHEUS);
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(
      'setting "kafkalab:zookeeperConfig": it must hold a metricsProvider.className whose library ' +
        "is there; got PrometheusMetricsProvider, and /usr/local/apache-zookeeper-0.0.0-bin/lib has " +
        "no zookeeper-prometheus-metrics-*.jar",
    );
  });

  test("those of ZooKeeper itself are taken", () => {
    expect(check("org.apache.zookeeper.metrics.impl.NullMetricsProvider").stdout).toBe("sound\n");
  });
});

/** The functions of a script, without its last line, which runs them. */
function functionsOf(file: string): string {
  const text = readFileSync(join(DIRECTORY, file), "utf8");
  const call = /^main <.*/m;
  if (!call.test(text)) {
    throw new Error(`${file} must call main in a line of its own; or it would be run here`);
  }
  return text.replace(call, "");
}

describe("the kernel and the journal", () => {
  const KERNEL = "vm.swappiness = 1\nvm.dirty_ratio = 60";
  const SYSCTL = "/etc/sysctl.d/60-kafkalab.conf";
  const JOURNAL = "/etc/systemd/journald.conf.d/zz-kafkalab.conf";
  // What is written, and what is run, of a host where files are as told.
  const commands = (files: "there" | "missing", kernel: "own" | "shared") => `
    ${functionsOf("install.sh")}
    same() { [[ ${files} == there ]]; }
    put() { printf 'put %s\\n%s\\n' "$@"; }
    mkdir() { :; }
    own_kernel() { [[ ${kernel} == own ]]; }
    sysctl() { echo "sysctl $*"; }
    systemctl() { echo "systemctl $*"; }`;

  test.each([
    ["missing", "own", `put ${SYSCTL}\n${KERNEL}\nsysctl -q -p ${SYSCTL}\n`],
    ["missing", "shared", `put ${SYSCTL}\n${KERNEL}\n`],
    ["there", "own", ""],
  ] as const)("settings that are %s, a kernel that is %s", (files, kernel, expected) => {
    const { status, stdout } = run([], `${commands(files, kernel)}\nset_kernel`, { KERNEL });
    expect([status, stdout]).toEqual([0, expected]);
  });

  const BOUND = "[Journal]\nSystemMaxUse=128M\nSystemMaxFileSize=16M\n";

  test("the bound of the journal is in the local image, so that journald need not start again", () => {
    const image = join(DIRECTORY, "../../local-cloud/image/root");
    expect(readFileSync(join(image, JOURNAL), "utf8")).toBe(BOUND);
  });

  test.each([
    ["missing", `put ${JOURNAL}\n${BOUND}systemctl --no-block restart systemd-journald\n`],
    ["there", ""],
  ] as const)("a bound of the journal that is %s", (files, expected) => {
    const { status, stdout } = run([], `${commands(files, "own")}\nbound_journal`);
    expect([status, stdout]).toEqual([0, expected]);
  });
});

describe("grow_data", () => {
  // The commands are those of a host with a volume of 2 GiB.
  const text = functionsOf("configure.sh");
  const commands = (resize: string) => `
    findmnt() { echo /dev/nvme1n1; }
    blockdev() { [[ $* == "--getsize64 /dev/nvme1n1" ]] && echo 2147483648; }
    resize2fs() { ${resize}; }
    ${text}
    GROWN_SECONDS=0`;

  test("the file system gets all of the volume", () => {
    const { status, stdout } = run([], `${commands('echo "$1" >&3')}\ngrow_data 3>&1`, {
      VOLUME_GIB: "2",
    });
    expect([status, stdout]).toEqual([0, "/dev/nvme1n1\n"]);
  });

  test("a volume that has not grown yet is waited for, and then told", () => {
    const { status, stderr } = run([], `${commands("true")}\ngrow_data`, { VOLUME_GIB: "3" });
    expect([status, stderr]).toEqual([
      1,
      "peter-test01: the volume of /data not of 3 GiB after 0 s; last saw 2147483648 bytes; logs: dmesg\n",
    ]);
  });

  test("a file system that does not grow is an error with the repair", () => {
    const resize = "echo 'resize2fs 1.47'; echo 'Permission denied'; return 1";
    const { status, stderr } = run([], `${commands(resize)}\ngrow_data`, { VOLUME_GIB: "2" });
    expect([status, stderr]).toEqual([
      1,
      "peter-test01: the file system of /data not grown to 2 GiB; last saw Permission denied. " +
        "Grow it by hand: resize2fs /dev/nvme1n1\n",
    ]);
  });
});

describe("a changed configuration", () => {
  const text = readFileSync(join(DIRECTORY, "configure.sh"), "utf8").replace(/^main <.*/m, "");
  const file = () => join(scratch, "server.properties");

  test("the keys of the lines that differ", () => {
    writeFileSync(file(), "# Made by\na=1\nb.c=2\nd=x=y\n");
    const CONFIG = "# Made anew by\na=1\nb.c=3\ne=\n";
    const variables = { LINK: scratch, CONFIG_FILE: "server.properties", CONFIG };
    expect(run([], `${text}\nchanged_keys`, variables).stdout).toBe("b.c\nd\ne\n");
  });

  test("a file is kept with all its line ends", () => {
    writeFileSync(file(), "a=1\n\n\n");
    const lines = `${text}\nkept=$(content_of "$FILE"); printf '%s' "\${kept%.}"`;
    expect(run([], lines, { FILE: file() }).stdout).toBe("a=1\n\n");
  });

  test.each([
    ["running", "0", "running", 1],
    ["ended once", "0", "auto-restart", 1],
    ["ended twice", "1", "auto-restart", 0],
    ["started once more", "2", "running", 1],
  ])("a service that has %s", (_, restarts, state, status) => {
    const systemctl = `systemctl() { printf 'NRestarts=${restarts}\\nSubState=${state}\\n'; }`;
    expect(run([], `${text}\n${systemctl}\nended_twice`, { SERVICE: "x" }).status).toBe(status);
  });

  test.each([
    ["values are taken", "Found log directory:", 0, 0, ""],
    ["data is not to its liking", "Found problem:", 1, 0, ""],
    [
      "a value is refused",
      'Exception in thread "main" org.apache.kafka.common.config.ConfigException: Invalid value x',
      1,
      1,
      'peter-test01: setting "kafkalab:brokerConfig": it must hold values that release takes; got ' +
        "Invalid value x. Nothing was changed here. Correct it and run up again.\n",
    ],
    [
      "the check itself fails",
      "java: not found",
      127,
      1,
      'peter-test01: setting "kafkalab:brokerConfig": it must hold values that release takes; got ' +
        "java: not found. Nothing was changed here. Correct it and run up again.\n",
    ],
  ])("Kafka's check: %s", (_, printed, code, status, message) => {
    const lines = `/usr/local/release/bin/kafka-run-class.sh() { echo "$PRINTED"; return ${code}; }
      check_config`;
    const variables = { DIRECTORY: "release", CHECK: "a.b", CONFIG: "a.b=x", PRINTED: printed };
    const result = run(["kafka.sh"], lines, variables);
    expect([result.status, result.stderr]).toEqual([status, message]);
  });
});

describe.runIf(process.getuid?.() === 0)("own_data", () => {
  /** Who owns the directory and the file in it afterwards, as ids. */
  function owners(directoryId: number, fileId: number): string {
    const data = mkdtempSync(join(scratch, "data-"));
    writeFileSync(join(data, "file"), "");
    chownSync(join(data, "file"), fileId, fileId);
    chownSync(data, directoryId, directoryId);
    const { stderr } = run(["service.sh"], "own_data", { DATA: data, SERVICE_USER: "daemon" });
    expect(stderr).toBe("");
    return ["", "file"].map((name) => statSync(join(data, name))).map((s) => `${s.uid}:${s.gid}`).join(" ");
  } // prettier-ignore

  test("gives the service what another image's user had", () => {
    expect(owners(1700000123, 1700000123)).toBe("1:1 1:1");
  });

  test("looks no further where the directory is the service's", () => {
    expect(owners(1, 0)).toBe("1:1 0:0");
  });
});

describe("shared functions", () => {
  test("a wait is bounded and says what it last saw", () => {
    const { status, stderr } = run(
      [],
      'look() { SEEN="two of three"; return 1; }\nwait_until 0 "cluster not whole" "a log" look',
    );
    expect(status).toBe(1);
    expect(stderr).toBe(
      "peter-test01: cluster not whole after 0 s; last saw two of three; logs: a log\n",
    );
  });

  test("a file is written once, whole, with its last line ended", () => {
    const file = join(scratch, "file");
    const lines = `put "$FILE" $'a\\nb'; same "$FILE" $'a\\nb' && echo same
      touch -d @1 "$FILE"; put "$FILE" $'a\\nb'; stat -c %Y "$FILE"; same "$FILE" a || echo differs`;
    expect(run([], lines, { FILE: file }).stdout).toBe("same\n1\ndiffers\n");
    expect(readFileSync(file, "utf8")).toBe("a\nb\n");
  });
});
