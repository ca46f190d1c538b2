import { expect, test, vi } from "vitest";
import { Load } from "../../cli/drill/load";
import {
  askZooKeeper,
  BOOTSTRAP,
  Cluster,
  expectUndisturbed,
  names,
  since,
} from "../support/cluster";
import { hostOf, onAll, same } from "../support/host";
import { type Settings, useLab } from "../support/lab";
import { killOperators } from "../support/machine";
import { waitFor } from "../support/run";

/*
 * The operator is killed at five points each of a roll, of moves of partitions and of changes of the
 * ensemble, under load. The next `up` ends well, and nothing is lost or done twice. Each test starts
 * from what the one before it left.
 */

// Two ups, one of them killed, under load.
vi.setConfig({ testTimeout: 900_000 });

const LOAD = { partitions: 3, perSecond: 30, maxSeconds: 800, bootstrap: BOOTSTRAP };
const KAFKA = "/usr/local/kafka/bin";
/** ZooKeeper's session of a broker is 18 s. */
const SESSION_SECONDS = 30;

const lab = useLab("operator-killed", () => lab.up());
const cluster = new Cluster(lab);
let loads = 0;

/** Whether a line is printed, and so many ms have passed since it was seen. */
function after(line: RegExp, ms = 0): (printed: string) => boolean {
  let seen: number | undefined;
  return (printed) => {
    if (line.test(printed)) {
      seen ??= performance.now();
    }
    return seen !== undefined && performance.now() - seen >= ms;
  };
}

/** Whether so many services have been restarted by the operator of Kafka. */
const restarted = (count: number) => (printed: string) =>
  new Set(printed.match(/peter-kafka\d+: kafka-server restarted/g)).size >= count;

/** Kills the operator of an `up` under load, and has the next one end well. */
async function killed(settings: Settings, reached: (printed: string) => boolean): Promise<void> {
  const broker = hostOf(await lab.hosts(), "peter-kafka01");
  const load = await Load.start(broker, { ...LOAD, topic: `load-${(loads += 1)}` });
  lab.configure(settings);
  await lab.killAt(["up"], "the operator is to be killed", reached, 300, killOperators);
  await lab.up();
  expectUndisturbed(await load.stop(), LOAD.perSecond);
  await lab.expectNoChanges();
}

test.each([
  [601, "as it begins", after(/kafka-ready updating/)],
  [602, "after the first restart", restarted(1)],
  [603, "while the first broker comes back", after(/kafka-server restarted/, 2000)],
  [604, "after the second restart", restarted(2)],
  [605, "after the third restart", restarted(3)],
])("a roll to %i, killed %s, restarts each broker once", async (requests, _, reached) => {
  const before = await cluster.brokerStarts();
  await killed({ brokerConfig: { "queued.max.requests": requests } }, reached);
  expect(since(before, await cluster.brokerStarts()).sort()).toEqual(names("kafka"));
  expect(await cluster.inForce("queued.max.requests")).toEqual(
    same(names("kafka"), String(requests)),
  );
});

const moving = (ms: number) => after(/moving \d+ partitions/, ms);

test.each([
  [5, "before new brokers run", after(/kafka-ready updating/)],
  [3, "as partitions begin to move", moving(0)],
  [5, "after new brokers have started", after(/peter-kafka05: kafka-server started/)],
  [3, "while partitions move", moving(1000)],
  [5, "as partitions begin to move", moving(0)],
])("a change to %i brokers, killed %s, moves all partitions", async (brokers, _, reached) => {
  const before = await cluster.brokerStarts();
  await killed({ brokers, brokerConfig: LAST_ROLL }, reached);
  expect(await cluster.brokerStarts()).toEqual(before);
  const [first] = await cluster.hostsOf("kafka");
  // A broker whose host is gone stays registered until its session has ended.
  const { seen } = await waitFor("brokers", `${brokers}`, SESSION_SECONDS, async () => {
    const metadata = (await first?.run("kcat -L -b localhost:9092")) ?? "";
    const registered = metadata.match(/^ *broker \d+ at/gm) ?? [];
    return registered.length === brokers ? { seen: metadata } : registered.join();
  });
  const lists = [...seen.matchAll(/replicas: (\S+), isrs: (\S+)/g)].map(([, replicas, inSync]) =>
    [replicas, inSync].map((list) => list?.split(",").map(Number).sort()),
  );
  expect(lists).toHaveLength(loads * LOAD.partitions + 1); // the smoke test's topic has one
  expect(lists.filter(([replicas, inSync]) => String(replicas) !== String(inSync))).toEqual([]);
  expect(Math.max(...lists.flatMap(([replicas = []]) => replicas))).toBe(brokers);
  const ask = `${KAFKA}/kafka-configs.sh --bootstrap-server ${BOOTSTRAP} --describe --entity-type`;
  expect(await first?.run(`${ask} brokers; ${ask} topics`)).not.toContain("throttled");
  await first?.run("test ! -e /var/lib/kafkalab/move.json");
});

/** The key that the last roll has set stays. */
const LAST_ROLL = { "queued.max.requests": 605 };

test.each([
  [5, "before new nodes run", after(/zookeeper-ready updating/)],
  [3, "as the first member goes", after(/reconfig -remove/)],
  [5, "as the first member is added", after(/reconfig -add server\.4/)],
  [3, "before any member goes", after(/zookeeper-ready updating/)],
  [5, "as the second member is added", after(/reconfig -add server\.5/)],
])(
  "a change to %i ZooKeeper nodes, killed %s, ends with all members",
  async (count, _, reached) => {
    const before = await cluster.nodeStarts();
    await killed({ brokers: 5, brokerConfig: LAST_ROLL, zookeeperNodes: count }, reached);
    expect(await cluster.nodeStarts()).toEqual(before);
    const members = `${askZooKeeper("conf")} | grep -c '^server\\.'`;
    expect(await onAll(await cluster.hostsOf("zk", count), members)).toEqual(
      same(names("zk", count), String(count)),
    );
  },
);
