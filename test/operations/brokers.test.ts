import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { Load } from "../../cli/drill/load";
import { BOOTSTRAP, Cluster, expectUndisturbed } from "../support/cluster";
import { type Host, hostOf } from "../support/host";
import { useLab } from "../support/lab";
import { killPulumi } from "../support/machine";
import { lastLine, waitFor } from "../support/run";

/*
 * More brokers and fewer again, on a lab that is written to. Each test starts from what the one before
 * it left.
 */

const KAFKA = "/usr/local/kafka/bin";
const TOPICS = { two: 2, three: 3 };
const PARTITIONS = 6;
const MESSAGES = 600;
const LOAD = {
  ...{ topic: "load", partitions: 6, bootstrap: BOOTSTRAP },
  ...{ perSecond: 30, maxSeconds: 400 },
};

interface Partition {
  name: string;
  leader: number;
  replicas: number[];
  inSync: number[];
}

/** Three zones, round robin. */
const rackOf = (broker: number) => (broker - 1) % 3;

let contents: Record<string, string>;

const lab = useLab("brokers", async () => {
  await lab.up();
  const broker = await first();
  for (const [topic, factor] of Object.entries(TOPICS)) {
    await broker.run(
      `${KAFKA}/kafka-topics.sh --bootstrap-server ${BOOTSTRAP} --create --topic ${topic} --partitions ${PARTITIONS} --replication-factor ${factor} &&
       seq -f 'key%.0f:message %.0f of ${topic}' ${MESSAGES} | kcat -P -K : -b ${BOOTSTRAP} -t ${topic} -X acks=all`,
    );
  }
  contents = await readAll(broker);
});

const cluster = new Cluster(lab);

async function first(): Promise<Host> {
  return hostOf(await lab.hosts(), "peter-kafka01");
}

/** Count and checksum of every partition of the topics. */
async function readAll(broker: Host): Promise<Record<string, string>> {
  const texts: [string, string][] = [];
  for (const topic of Object.keys(TOPICS)) {
    const text = await broker.run(
      `kcat -C -q -e -o beginning -t ${topic} -b ${BOOTSTRAP} -f '%p %o %k:%s\\n'`,
    );
    const lines = text.trim().split("\n");
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const own = lines.filter((line) => line.startsWith(`${partition} `));
      const sum = createHash("sha256").update(own.join("\n")).digest("hex");
      texts.push([`${topic}-${partition}`, `${own.length} ${sum}`]);
    }
  }
  return Object.fromEntries(texts);
}

/** Where partitions are, as a broker knows it. */
async function layout(): Promise<Partition[]> {
  const text = await (await first()).run("kcat -L -b localhost:9092");
  let topic = "";
  return text.split("\n").flatMap((line) => {
    topic = /^ *topic "(.*)"/.exec(line)?.[1] ?? topic;
    const found = /partition (\d+), leader (-?\d+), replicas: (\S+), isrs: (\S+)/.exec(line);
    if (found === null) {
      return [];
    }
    const [, partition = "", leader = "", replicas = "", inSync = ""] = found;
    const ids = (list: string) => list.split(",").filter(Boolean).map(Number);
    return [
      {
        name: `${topic}-${partition}`,
        leader: Number(leader),
        replicas: ids(replicas),
        inSync: ids(inSync),
      },
    ];
  });
}

/** Nobody has two replicas in a rack, all are in sync, and the first replica leads. */
function expectSound(partitions: Partition[]): void {
  const racks = partitions.map(({ name, replicas }) => [name, new Set(replicas.map(rackOf)).size]);
  expect(racks).toEqual(partitions.map(({ name, replicas }) => [name, replicas.length]));
  expect(partitions.map(({ name, leader }) => [name, leader])).toEqual(
    partitions.map(({ name, replicas }) => [name, replicas[0]]),
  );
  expect(partitions.map(({ name, inSync }) => [name, inSync.length])).toEqual(
    partitions.map(({ name, replicas }) => [name, replicas.length]),
  );
}

/** Replicas and leaders of each broker. */
function shares(partitions: Partition[], broker: number) {
  return {
    replicas: partitions.filter(({ replicas }) => replicas.includes(broker)).length,
    leaders: partitions.filter(({ leader }) => leader === broker).length,
  };
}

async function expectNoThrottle(): Promise<void> {
  const ask = `${KAFKA}/kafka-configs.sh --bootstrap-server ${BOOTSTRAP} --describe --entity-type`;
  const set = await (await first()).run(`${ask} brokers; ${ask} topics`);
  expect(set).not.toContain("throttled");
}

test("from 3 to 5: new brokers get their share, and no broker restarts", async () => {
  const [before, load] = [await cluster.brokerStarts(3), await Load.start(await first(), LOAD)];
  lab.configure({ brokers: 5 });
  const output = await lab.up();
  expectUndisturbed(await load.stop(), LOAD.perSecond);
  expect(output).toMatch(/moving \d+ partitions, at most 25 MiB\/s into and out of each broker/);
  expect(await cluster.brokerStarts(3)).toEqual(before);
  const partitions = await layout();
  expectSound(partitions);
  for (const broker of [4, 5]) {
    const { replicas, leaders } = shares(partitions, broker);
    // Each is in a rack with one other, and that one gives half.
    expect(replicas).toBe(shares(partitions, broker - 3).replicas);
    expect(leaders).toBeGreaterThanOrEqual(2);
  }
  await expectNoThrottle();
  expect(await readAll(await first())).toEqual(contents);
});

test("with nothing changed nothing is done", async () => {
  await lab.expectNoChanges();
});

test("fewer brokers than a topic has replicas are refused before anything moves", async () => {
  const tool = `${KAFKA}/kafka-topics.sh --bootstrap-server ${BOOTSTRAP}`;
  const broker = await first();
  await broker.run(`${tool} --create --topic wide --partitions 2 --replication-factor 4`);
  const [before, there] = [await cluster.brokerStarts(5), await layout()];
  // With a setting that would restart every broker.
  lab.configure({ brokers: 3, brokerConfig: { "num.io.threads": 2, "queued.max.requests": 600 } });
  const { status, output } = await lab.run("up");
  expect(status).not.toBe(0);
  expect(output).toContain(
    'setting "kafkalab:brokers": it must be 4 or more, as many as these topics have replicas: ' +
      "wide (4); got 3. Nothing was moved and no broker restarted. Set it to 4; or",
  );
  expect(await cluster.brokerStarts(5)).toEqual(before);
  expect(await layout()).toEqual(there);
  await broker.run(`${tool} --delete --topic wide`);
});

test("from 5 to 3: killed while partitions move, the next up moves all and lets hosts go", async () => {
  const broker = await first();
  // Enough to be under way for a while.
  await broker.run(
    `${KAFKA}/kafka-topics.sh --bootstrap-server ${BOOTSTRAP} --create --topic bulk --replica-assignment 4:1,5:2 &&
     ${KAFKA}/kafka-producer-perf-test.sh --topic bulk --num-records 12000 --record-size 1000 --throughput -1 --producer-props bootstrap.servers=${BOOTSTRAP} acks=all`,
    { timeoutSeconds: 120 },
  );
  const [before, load] = [
    await cluster.brokerStarts(3),
    await Load.start(broker, { ...LOAD, topic: "load2" }),
  ];
  lab.configure({ brokers: 3, moveThrottleMiBps: 1 });
  const running = lab.start("up");
  await waitFor("up", "moving partitions", 300, () =>
    /moving \d+ partitions, at most 1 MiB/.test(running.output()) ? {} : lastLine(running.output()),
  );
  await waitFor("a partition", "under way", 60, async () =>
    (await layout()).some(({ replicas, inSync }) => inSync.length < replicas.length)
      ? {}
      : "all in sync",
  );
  killPulumi(running.pid);
  await running.ended;
  // The operator is killed with Pulumi, and has left the note of its move.
  await broker.run("test -s /var/lib/kafkalab/move.json");
  expect(lab.recordsOf("Instance")).toHaveLength(8);

  await lab.up();
  expectUndisturbed(await load.stop(), LOAD.perSecond);
  expect(lab.recordsOf("Instance")).toHaveLength(6);
  expect(Object.keys((await lab.stackOutputs()).hosts)).not.toContain("peter-kafka04");
  expect(await cluster.brokerStarts(3)).toEqual(before);
  const partitions = await layout();
  expectSound(partitions);
  expect(new Set(partitions.flatMap(({ replicas }) => replicas))).toEqual(new Set([1, 2, 3]));
  expect(await readAll(await first())).toEqual(contents);
  // For as long as the session of one that led lasts there may be no controller.
  await waitFor("the cluster", "of three brokers with a controller", 30, async () => {
    const seen = await (await first()).run("kcat -L -b localhost:9092 -t two");
    return /^ 3 brokers:/m.test(seen) && /\(controller\)$/m.test(seen) ? {} : seen;
  });
  await expectNoThrottle();
  await lab.expectNoChanges();
});
