import { randomUUID } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { APACHE_RELEASES } from "../support/apache-launchers";
import { hostOf, onAll, quote, same, type Host } from "../support/host";
import { useLab } from "../support/lab";
import { run, waitFor } from "../support/run";

/*
 * The book's lab, by the book's own command lines, on the hosts.
 */

const ZOOKEEPERS = ["peter-zk01", "peter-zk02", "peter-zk03"];
const BROKERS = ["peter-kafka01", "peter-kafka02", "peter-kafka03"];
const NAMES = [...ZOOKEEPERS, ...BROKERS];
const KAFKA = "/usr/local/kafka/bin";
const BOOTSTRAP = "--bootstrap-server peter-kafka01.foo.bar:9092";

/** Launchers that do not understand `--help`: what they get in its place, and what they then print. */
const WITHOUT_HELP: Record<string, { arguments: string; prints: RegExp }> = {
  "kafka-run-class.sh": { arguments: "kafka.admin.AclCommand --help", prints: /^Option /m },
  "trogdor.sh": { arguments: "agent --help", prints: /^usage: trogdor-agent /m },
  "zookeeper-server-start.sh": { arguments: "--help", prints: /--help file is missing/ },
  "zookeeper-shell.sh": { arguments: "peter-zk01:2181 help", prints: /^ZooKeeper -server /m },
  "zkCli.sh": { arguments: "help", prints: /^ZooKeeper -server /m },
  "zkSnapShotToolkit.sh": { arguments: "", prints: /^USAGE: SnapshotFormatter /m },
};

/** Launchers that are not started: Apache's stop servers whatever their arguments are; one is sourced. */
const NOT_STARTED = ["kafka-server-stop.sh", "zookeeper-server-stop.sh", "zkEnv.sh"];

/**
 * Starts what comes on stdin, two at a time because of their heaps, and prints each output by name. The
 * compiler and the collector are those that start fastest.
 */
const START_EACH = `export KAFKA_JVM_PERFORMANCE_OPTS="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
  export JVMFLAGS=$KAFKA_JVM_PERFORMANCE_OPTS
  out=$(mktemp -d) && export out && xargs -P 2 -I {} bash -c '
  set -- {}
  timeout 60 "./$1" "\${@:2}" </dev/null >"$out/$1" 2>&1
  echo "ended with $?" >>"$out/$1"'
  cd "$out" && tail -v -n +1 -- * && rm -r "$out"`;

const lab = useLab("book", (lab) => lab.up());
let hosts: Map<string, Host>;

beforeAll(async () => {
  hosts = await lab.hosts();
});

const host = (name: string) => hostOf(hosts, name);
const all = (names: string[], command: string) => onAll(names.map(host), command);

/** A topic of the test's own, with three replicas. */
async function newTopic(): Promise<string> {
  const topic = `book-${randomUUID()}`;
  await host("peter-kafka01").run(
    `${KAFKA}/kafka-topics.sh ${BOOTSTRAP} --create --topic ${topic} --partitions 1 --replication-factor 3`,
  );
  return topic;
}

async function produce(through: string, topic: string, messages: string): Promise<void> {
  await host(through).run(
    `${KAFKA}/kafka-console-producer.sh --bootstrap-server ${through}.foo.bar:9092 --topic ${topic} --producer-property acks=all`,
    { input: `${messages}\n` },
  );
}

async function consume(through: string, topic: string, count = 1): Promise<string[]> {
  const text = await host(through).run(
    `${KAFKA}/kafka-console-consumer.sh --bootstrap-server ${through}.foo.bar:9092 --topic ${topic} --from-beginning --max-messages ${count} --timeout-ms 40000`,
  );
  return text.trimEnd().split("\n");
}

/** Leader, replicas and in-sync replicas of each partition, as kafka-topics.sh describes them. */
async function partitions(topic: string, on = "peter-kafka01") {
  const text = await host(on).run(
    `${KAFKA}/kafka-topics.sh --bootstrap-server ${on}:9092 --describe --topic ${topic}`,
  );
  const pattern = /Partition: (\d+)\s+Leader: (\S+)\s+Replicas: (\S+)\s+Isr: (\S+)/g;
  return [...text.matchAll(pattern)].map(([, partition, leader, replicas = "", inSync = ""]) => ({
    partition: Number(partition),
    leader: Number(leader),
    replicas: replicas.split(",").sort(),
    inSync: inSync.split(",").sort(),
  }));
}

/** What each ZooKeeper node says it is. */
async function roles(): Promise<Record<string, string>> {
  const answers = await all(ZOOKEEPERS, "printf srvr | nc -w 3 localhost 2181 || true");
  return Object.fromEntries(
    ZOOKEEPERS.map((name) => [name, /^Mode: (\w+)/m.exec(answers[name] ?? "")?.[1] ?? "down"]),
  );
}

async function rolesBecome(...wanted: string[]): Promise<void> {
  await waitFor("the ensemble", `that of ${wanted.join(", ")}`, 60, async () => {
    const seen = Object.values(await roles()).sort();
    return seen.join() === wanted.join() ? seen : seen.join();
  });
}

describe("hosts", () => {
  test("SSH with the key pair, both ways that the book writes it", async () => {
    expect(statSync(await lab.keyFile()).mode & 0o777).toBe(0o600);
    for (const form of ["-l", "@"] as const) {
      const seen = await Promise.all(
        NAMES.map((name) => run([...host(name).sshArguments(form), "id -un; hostname -f"])),
      );
      expect(seen.map(({ output }) => output)).toEqual(
        NAMES.map((name) => `ec2-user\n${name}.foo.bar\n`),
      );
    }
  });

  test("ping -c 2 by short and by full name, from all six to all six", async () => {
    const targets = NAMES.flatMap((name) => [name, `${name}.foo.bar`]).sort();
    const command = `for name in ${targets.join(" ")}; do
      { ping -c 2 "$name" >"/tmp/ping-$name" 2>&1 && echo "$name" || cat "/tmp/ping-$name"; } &
    done; wait`;
    const seen = await all(NAMES, command);
    for (const name of NAMES) {
      expect(seen[name]?.split("\n").sort(), name).toEqual(targets);
    }
  });

  test("names come from the DNS alone, forwards and backwards", async () => {
    expect(await all(NAMES, "grep -c peter /etc/hosts || true")).toEqual(same(NAMES, "0"));
    const asked = NAMES.map(
      (name) =>
        `getent ahostsv4 ${name} | awk '{print $1; exit}'; getent hosts ${host(name).privateIp} | awk '{print $1, $2}'`,
    );
    const answers = NAMES.map(
      (name) => `${host(name).privateIp}\n${host(name).privateIp} ${name}.foo.bar`,
    );
    expect(await all(NAMES, asked.join("; "))).toEqual(same(NAMES, answers.join("\n")));
  });

  test("a volume of its own at /data, and services that do not run as root", async () => {
    const command = "findmnt -n -o FSTYPE /data; ps -o user= -C java";
    expect(await all(NAMES, command)).toEqual({
      ...same(ZOOKEEPERS, "ext4\nzookeeper"),
      ...same(BROKERS, "ext4\nkafka"),
    });
  });
});

describe("services", () => {
  test.each([
    ["zookeeper-server", ZOOKEEPERS],
    ["kafka-server", BROKERS],
  ])("sudo systemctl status %s: active and enabled", async (service, names) => {
    for (const text of Object.values(await all(names, `sudo systemctl status ${service}`))) {
      expect(text).toMatch(/^ *Active: active \(running\)/m);
      expect(text).toMatch(/^ *Loaded: loaded \(.*; enabled;/m);
    }
  });

  test("one leader and two followers, by srvr, mntr and zkServer.sh status", async () => {
    const seen = await roles();
    expect(Object.values(seen).sort()).toEqual(["follower", "follower", "leader"]);
    const others = await all(
      ZOOKEEPERS,
      `printf mntr | nc -w 3 localhost 2181 | sed -n 's/^zk_server_state\\t//p'
       /usr/local/zookeeper/bin/zkServer.sh status 2>/dev/null | sed -n 's/^Mode: //p'`,
    );
    for (const name of ZOOKEEPERS) {
      expect(others[name], name).toBe(`${seen[name]}\n${seen[name]}`);
    }
  });

  test("zoo.cfg and myid hold the book's values", async () => {
    const seen = await all(ZOOKEEPERS, "cat /usr/local/zookeeper/conf/zoo.cfg");
    for (const text of Object.values(seen)) {
      expect(properties(text)).toMatchObject({
        tickTime: "2000",
        initLimit: "10",
        syncLimit: "5",
        clientPort: "2181",
        dataDir: "/data/zk",
        "autopurge.snapRetainCount": "3",
        "autopurge.purgeInterval": "1",
      });
    }
    const members = await all(ZOOKEEPERS, "printf conf | nc -w 3 localhost 2181 | grep ^server");
    for (const text of Object.values(members)) {
      expect(properties(text)).toMatchObject({
        "server.1": "peter-zk01:2888:3888:participant;0.0.0.0:2181",
        "server.2": "peter-zk02:2888:3888:participant;0.0.0.0:2181",
        "server.3": "peter-zk03:2888:3888:participant;0.0.0.0:2181",
      });
    }
    expect(await all(ZOOKEEPERS, "sudo cat /data/zk/myid")).toEqual({
      "peter-zk01": "1",
      "peter-zk02": "2",
      "peter-zk03": "3",
    });
  });

  test("server.properties holds the book's values, and those that make it safe", async () => {
    const seen = await all(BROKERS, "cat /usr/local/kafka/config/server.properties");
    const hosts = await lab.hosts();
    const publicIps = new Map([...hosts.values()].map(({ name, publicIp }) => [name, publicIp]));
    for (const [index, name] of BROKERS.entries()) {
      expect(properties(seen[name] ?? ""), name).toMatchObject({
        "broker.id": String(index + 1),
        "broker.rack": `apne2-az${index + 1}`,
        // The book's listener, and one for clients outside the hosts.
        listeners: "PLAINTEXT://0.0.0.0:9092,CLIENT://0.0.0.0:9094",
        "advertised.listeners": `PLAINTEXT://${name}.foo.bar:9092,CLIENT://${publicIps.get(name)}:9094`,
        "zookeeper.connect": ZOOKEEPERS.map((node) => `${node}.foo.bar:2181`).join(),
        "log.dirs": "/data/kafka-logs",
        "num.network.threads": "4",
        "num.io.threads": "8",
        "num.partitions": "1",
        "log.retention.hours": "72",
        "log.segment.bytes": "1073741824",
        "offsets.topic.replication.factor": "3",
        "transaction.state.log.replication.factor": "3",
        "transaction.state.log.min.isr": "2",
        "group.initial.rebalance.delay.ms": "3000",
        "min.insync.replicas": "2",
        "auto.create.topics.enable": "false",
        "unclean.leader.election.enable": "false",
      });
    }
  });

  test("a broker has JMX for itself, a fixed heap and G1", async () => {
    const command = `pid=$(systemctl show -P MainPID kafka-server)
      tr '\\0' '\\n' <"/proc/$pid/cmdline" | grep -E '^-X(m[sx]|X:[+]UseG1GC)' | LC_ALL=C sort -u
      ss -H -l -n -t | awk '{ print $4 }' | grep -E ':(9092|9999)$' | LC_ALL=C sort`;
    const seen = await all(BROKERS, `sudo bash -c ${quote(command)}`);
    const expected = ["-XX:+UseG1GC", "-Xms384m", "-Xmx384m", "*:9092", "127.0.0.1:9999"];
    for (const text of Object.values(seen)) {
      expect(text.replace(/\[::ffff:([0-9.]+)\]/g, "$1").split("\n")).toEqual(expected);
    }
  });

  test("a broker may have 131072 files open, or as many as the machine can give", async () => {
    const command = `systemctl show -P LimitNOFILE kafka-server
      sudo awk '/^Max open files/ { print $4 }' "/proc/$(systemctl show -P MainPID kafka-server)/limits"`;
    const ofMachine = /^Max open files +\d+ +(\d+)/m.exec(
      readFileSync("/proc/self/limits", "utf8"),
    );
    for (const text of Object.values(await all(BROKERS, command))) {
      const [wanted, got] = text.split("\n");
      expect(wanted).toBe("131072");
      // Root without CAP_SYS_RESOURCE, as in some containers, cannot raise a hard limit.
      expect(["131072", ofMachine?.[1]]).toContain(got);
    }
  });
});

describe("topics", () => {
  test("the book's topic is there: one partition, three replicas, all in sync", async () => {
    const [partition, ...more] = await partitions("peter-overview01");
    expect(partition?.replicas).toEqual(["1", "2", "3"]);
    expect(partition?.inSync).toEqual(["1", "2", "3"]);
    expect(more).toEqual([]);
  });

  test.each(["peter-kafka01.foo.bar:9092", "peter-kafka02:9092"])(
    "kafka-topics.sh creates and describes through %s",
    async (server) => {
      const topic = `book-${randomUUID()}`;
      const command = `${KAFKA}/kafka-topics.sh --bootstrap-server ${server}`;
      const created = await host("peter-kafka01").run(
        `${command} --create --topic ${topic} --partitions 1 --replication-factor 3`,
      );
      expect(created).toContain(`Created topic ${topic}.`);
      const described = await host("peter-kafka03").run(`${command} --describe --topic ${topic}`);
      expect(described).toMatch(/PartitionCount: 1\s+ReplicationFactor: 3/);
    },
  );

  test("the same bytes come back, and are in the segment on all three brokers", async () => {
    const topic = await newTopic();
    const messages = [`first message ${randomUUID()}`, `안녕하세요, 카프카 ${randomUUID()}`];
    await produce("peter-kafka01", topic, messages.join("\n"));
    expect(await consume("peter-kafka03", topic, 2)).toEqual(messages);

    const dumps = await all(
      BROKERS,
      `cd /data/kafka-logs/${topic}-0 && xxd 00000000000000000000.log`,
    );
    for (const [name, dump] of Object.entries(dumps)) {
      const digits = dump.split("\n").map((line) => line.slice(10, 49).replaceAll(" ", ""));
      const bytes = Buffer.from(digits.join(""), "hex");
      for (const message of messages) {
        expect(bytes.includes(message), `${message} on ${name}`).toBe(true);
      }
    }
  });

  test("partitions only grow", async () => {
    const topic = await newTopic();
    const alter = `${KAFKA}/kafka-topics.sh ${BOOTSTRAP} --alter --topic ${topic} --partitions`;
    await host("peter-kafka01").run(`${alter} 2`);
    const refused = await host("peter-kafka01").try(`${alter} 1`);
    expect(refused.status).not.toBe(0);
    expect(refused.output).toContain("InvalidPartitionsException");
    expect(await partitions(topic)).toHaveLength(2);
  });
});

describe("the other launchers", () => {
  test("kafka-configs.sh", async () => {
    const topic = await newTopic();
    const command = `${KAFKA}/kafka-configs.sh ${BOOTSTRAP} --entity-type topics --entity-name ${topic}`;
    await host("peter-kafka01").run(`${command} --alter --add-config retention.ms=3600000`);
    expect(await host("peter-kafka01").run(`${command} --describe`)).toContain(
      "retention.ms=3600000",
    );
  });

  test("performance tests, consumer groups, dump of a segment", async () => {
    const topic = await newTopic();
    const on = host("peter-kafka02");
    const produced = await on.run(
      `${KAFKA}/kafka-producer-perf-test.sh --topic ${topic} --num-records 1000 --record-size 100 --throughput -1 --producer-props bootstrap.servers=peter-kafka01:9092 acks=all`,
    );
    expect(produced).toMatch(/^1000 records sent/m);
    const consumed = await on.run(
      `${KAFKA}/kafka-consumer-perf-test.sh ${BOOTSTRAP} --topic ${topic} --group ${topic} --messages 1000 --timeout 30000`,
    );
    expect(consumed.trim().split("\n").at(-1)?.split(", ")[4]).toBe("1000");
    const group = await on.run(
      `${KAFKA}/kafka-consumer-groups.sh ${BOOTSTRAP} --describe --group ${topic} 2>/dev/null`,
    );
    expect(group).toMatch(new RegExp(`^${topic}\\s+${topic}\\s+0\\s+1000\\s+1000\\s+0 `, "m"));
    const dumped = await on.run(
      `${KAFKA}/kafka-dump-log.sh --files /data/kafka-logs/${topic}-0/00000000000000000000.log`,
    );
    expect(dumped).toMatch(/ lastOffset: 999 /);
  });

  test("kafka-reassign-partitions.sh moves a partition", async () => {
    const topic = await newTopic();
    const plan = { version: 1, partitions: [{ topic, partition: 0, replicas: [3, 1] }] };
    const on = host("peter-kafka01");
    const command = `${KAFKA}/kafka-reassign-partitions.sh ${BOOTSTRAP} --reassignment-json-file /tmp/${topic}`;
    await on.run(`cat >/tmp/${topic} && ${command} --execute`, { input: JSON.stringify(plan) });
    await waitFor("the reassignment", "complete", 60, async () => {
      const text = await on.run(`${command} --verify`);
      return text.includes("is completed") ? { text } : text.trim();
    });
    expect((await partitions(topic))[0]?.replicas).toEqual(["1", "3"]);
  });

  test("kafka-broker-api-versions.sh, zookeeper-shell.sh, zkCli.sh", async () => {
    const on = host("peter-kafka03");
    const versions = await on.run(
      `${KAFKA}/kafka-broker-api-versions.sh --bootstrap-server peter-kafka02:9092`,
    );
    expect([...versions.matchAll(/\(id: (\d) rack/g)].map(([, id]) => id).sort()).toEqual([
      "1",
      "2",
      "3",
    ]);
    const shell = await on.run(`${KAFKA}/zookeeper-shell.sh peter-zk02:2181 ls /brokers/ids`);
    expect(shell).toContain("[1, 2, 3]");
    const client = await host("peter-zk01").run(
      "/usr/local/zookeeper/bin/zkCli.sh -server peter-zk01:2181 ls /brokers 2>&1",
    );
    expect(client).toContain("[ids, seqid, topics]");
  });
});

describe("all launchers of Apache's release", () => {
  test.each([
    ["kafka", "peter-kafka02"],
    ["zookeeper", "peter-zk02"],
  ] as const)("%s: each starts", async (product, name) => {
    const release = await host(name).run(`readlink /usr/local/${product}`);
    const version = /-(\d+\.\d+\.\d+)/.exec(release)?.[1] ?? release;
    const launchers = (APACHE_RELEASES[product][version]?.bin ?? []).filter(
      (file) => file.endsWith(".sh") && !NOT_STARTED.includes(file),
    );
    const text = await host(name).run(`cd /usr/local/${product}/bin && ${START_EACH}`, {
      input: launchers
        .map((file) => `${file} ${WITHOUT_HELP[file]?.arguments ?? "--help"}\n`)
        .join(""),
      timeoutSeconds: 240,
    });
    const outputs = new Map(
      [...text.matchAll(/^==> (\S+) <==\n((?:(?!==> \S+ <==$).*\n?)*)/gm)].map(
        ([, file = "", output = ""]) => [file, output],
      ),
    );
    expect([...outputs.keys()].sort()).toEqual([...launchers].sort());
    expect(outputs.size).toBeGreaterThan(5);
    for (const [file, output] of outputs) {
      expect(output, file).toMatch(WITHOUT_HELP[file]?.prints ?? /usage|Option +Description/i);
      expect(output, file).not.toMatch(/main class|NoClassDef|ClassNotFound|log4j:/);
    }
  });
});

describe("losses", () => {
  test("three ZooKeeper nodes survive the loss of one, not of two", async () => {
    const before = await roles();
    const leader = ZOOKEEPERS.find((name) => before[name] === "leader") ?? "";
    const follower = ZOOKEEPERS.find((name) => name !== leader) ?? "";
    await host(leader).run("sudo systemctl stop zookeeper-server");
    try {
      await rolesBecome("down", "follower", "leader");
      const topic = await newTopic();
      await produce("peter-kafka01", topic, "while one is lost");
      expect(await consume("peter-kafka03", topic)).toEqual(["while one is lost"]);
      await host(follower).run("sudo systemctl stop zookeeper-server");
      await rolesBecome("down", "down", "down");
    } finally {
      await all([leader, follower], "sudo systemctl start zookeeper-server");
    }
    await rolesBecome("follower", "follower", "leader");
  });

  test("three replicas survive the loss of a broker, which catches up when it is back", async () => {
    const topic = await newTopic();
    await produce("peter-kafka01", topic, "before");
    const lost = BROKERS[((await partitions(topic))[0]?.leader ?? 1) - 1] ?? "";
    const [one = "", other = ""] = BROKERS.filter((name) => name !== lost);
    await host(lost).run("sudo systemctl stop kafka-server");
    try {
      await produce(one, topic, "during");
      expect(await consume(other, topic, 2)).toEqual(["before", "during"]);
    } finally {
      await host(lost).run("sudo systemctl start kafka-server");
    }
    await waitFor("the replicas", "in sync", 90, async () => {
      const inSync = (await partitions(topic, one))[0]?.inSync.join() ?? "none";
      return inSync === "1,2,3" ? { inSync } : inSync;
    });
    expect(await consume(lost, topic, 2)).toEqual(["before", "during"]);
  });
});

function properties(text: string): Record<string, string> {
  const lines = text.split("\n").filter((line) => /^[^#].*=/.test(line));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
}
