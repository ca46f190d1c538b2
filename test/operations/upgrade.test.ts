import { expect, test } from "vitest";
import { Load, type LoadReport } from "../../cli/drill/load";
import {
  BOOTSTRAP,
  Cluster,
  expectKeyTable,
  expectUndisturbed,
  leaderLast,
  names,
  since,
} from "../support/cluster";
import { hostOf, onAll, same } from "../support/host";
import { useLab } from "../support/lab";

/*
 * Other releases of Kafka and ZooKeeper on a lab that runs. Each test starts from what the one
 * before it left.
 */

const OLDER = { kafkaVersion: "3.8.1", zookeeperVersion: "3.8.3" };
const NEWER = { kafkaVersion: "3.9.1", zookeeperVersion: "3.8.4" };
const PROTOCOL = "inter.broker.protocol.version";
const LOAD = { partitions: 3, bootstrap: BOOTSTRAP, perSecond: 30, maxSeconds: 900 };
/** Three runs of `up`, each as far as one may take. */
const TWO_KILLS_MS = 900_000;
const lab = useLab("upgrade", () => {
  lab.configure(OLDER);
  return lab.up();
});
const cluster = new Cluster(lab);

/** Does something under load, which must not notice. */
async function underLoad(topic: string, work: () => Promise<unknown>): Promise<LoadReport> {
  const broker = hostOf(await lab.hosts(), "peter-kafka01");
  const load = await Load.start(broker, { ...LOAD, topic });
  await work();
  const report = await load.stop();
  expectUndisturbed(report, LOAD.perSecond);
  return report;
}

/** Two rounds, and in each the controller comes last. The second has another one than the first. */
function expectTwoRounds(started: string[], controller: string): void {
  const brokers = names("kafka");
  expect(started).toHaveLength(2 * brokers.length);
  expect(started.slice(0, brokers.length)).toEqual(leaderLast("kafka", controller));
  const orders = brokers.map((name) => leaderLast("kafka", name));
  expect(orders).toContainEqual(started.slice(brokers.length));
}

/** What each broker was started with, by its own log, in order: `PROTOCOL RELEASE`. A start that fails may name no release. */
async function runs(): Promise<Record<string, string[]>> {
  const logs = await onAll(
    await cluster.hostsOf("kafka"),
    `sudo journalctl -q -u kafka-server -o cat --grep '${PROTOCOL} = |Kafka version: ' |
      sed -n 's/.*${PROTOCOL} = /protocol /p; s/.*Kafka version: \\([^ ]*\\).*/release \\1/p' |
      awk '$1 == "protocol" { protocol = $2 } $1 == "release" { print protocol, $2 }'`,
  );
  return Object.fromEntries(Object.entries(logs).map(([name, log]) => [name, log.split("\n")]));
}

test("an older release has a table of its keys, and its protocol", async () => {
  await expectKeyTable(hostOf(await lab.hosts(), "peter-kafka01"));
  expect(await runs()).toEqual(same(names("kafka"), ["3.8 3.8.1"]));
});

test("a newer Kafka restarts each broker twice, all with the release before any with the protocol", async () => {
  const [before, nodes] = [await cluster.brokerStarts(), await cluster.nodeStarts()];
  const last = await cluster.controller();
  lab.configure({ ...OLDER, kafkaVersion: NEWER.kafkaVersion });
  await underLoad("upgrade", () => lab.up());
  expectTwoRounds(since(before, await cluster.brokerStarts()), last);
  expect(await runs()).toEqual(same(names("kafka"), ["3.8 3.8.1", "3.8 3.9.1", "3.9 3.9.1"]));
  expect(await cluster.inForce(PROTOCOL)).toEqual(same(names("kafka"), "3.9"));
  expect(await cluster.nodeStarts()).toEqual(nodes);
  await lab.expectNoChanges();
});

test("an older protocol is refused on every broker, and nothing is changed", async () => {
  const before = await cluster.brokerStarts();
  const installed = async () => onAll(await cluster.hostsOf("kafka"), "ls -lR /usr/local | md5sum");
  const files = await installed();
  lab.configure({ ...OLDER, kafkaVersion: "3.8.1" });
  const { status, output } = await lab.run("up");
  expect(status).not.toBe(0);
  for (const name of names("kafka")) {
    expect(output).toContain(
      `${name}: setting "kafkalab:kafkaVersion": it must be 3.9 or later, the ${PROTOCOL} that is ` +
        "in force here; got 3.8.1, which may not read what brokers have written since. Nothing " +
        "was changed here. Set it to a release of 3.9 or a later one; an older one needs a new lab.",
    );
  }
  expect(await cluster.brokerStarts()).toEqual(before);
  expect(await installed()).toEqual(files);
});

test("an older release of the same protocol is one roll, the controller last", async () => {
  const [before, last] = [await cluster.brokerStarts(), await cluster.controller()];
  lab.configure({ ...OLDER, kafkaVersion: "3.9.0" });
  await underLoad("patch", () => lab.up());
  expect(since(before, await cluster.brokerStarts())).toEqual(leaderLast("kafka", last));
  expect(lastOf(await runs())).toEqual(same(names("kafka"), "3.9 3.9.0"));
  await expectKeyTable(hostOf(await lab.hosts(), "peter-kafka01"));
});

test("a newer ZooKeeper restarts each node once, the leader last, and no broker", async () => {
  const [before, brokers] = [await cluster.nodeStarts(), await cluster.brokerStarts()];
  const { leader: last } = await cluster.leadership();
  lab.configure({ zookeeperVersion: NEWER.zookeeperVersion, kafkaVersion: "3.9.0" });
  await underLoad("zookeeper", () => lab.up());
  expect(since(before, await cluster.nodeStarts())).toEqual(leaderLast("zk", last));
  expect(await cluster.brokerStarts()).toEqual(brokers);
  const version = "exec 3<>/dev/tcp/localhost/2181; echo srvr >&3; grep -o '3\\.8\\.[0-9]*' <&3";
  expect(await onAll(await cluster.hostsOf("zk"), `bash -c "${version}"`)).toEqual(
    same(names("zk"), "3.8.4"),
  );
  await lab.expectNoChanges();
});

const SMALL = { zookeeperNodes: 1, zookeeperVersion: NEWER.zookeeperVersion };

test("a lab can be made of the older release once more", async () => {
  await lab.destroy();
  lab.configure({ ...SMALL, kafkaVersion: OLDER.kafkaVersion });
  await lab.up();
  expect(await runs()).toEqual(same(names("kafka"), ["3.8 3.8.1"]));
});

test("a broker that does not come back with the newer release has the older one again", async () => {
  const wrong = { "authorizer.class.name": "no.such.Authorizer" };
  const [first = ""] = leaderLast("kafka", await cluster.controller());
  lab.configure({ ...SMALL, kafkaVersion: NEWER.kafkaVersion, brokerConfig: wrong });
  await underLoad("failed", async () => {
    const { output } = await lab.run("up");
    expect(output).toContain(`${first}: kafka-server not back with its new configuration`);
  });
  expect(lastOf(await runs())).toEqual(same(names("kafka"), "3.8 3.8.1"));
});

test(
  "an upgrade that is killed in each of its rounds goes on where it was",
  async () => {
    const [before, controller] = [await cluster.brokerStarts(), await cluster.controller()];
    lab.configure({ ...SMALL, kafkaVersion: NEWER.kafkaVersion });
    await underLoad("killed", async () => {
      // Two of the first round; then the last of it, and one of the second.
      for (const point of ["in the first round", "in the second round"]) {
        await lab.killAt(["up"], `two brokers restarted, ${point}`, hasRestartedTwo);
      }
      await lab.up();
    });
    expectTwoRounds(since(before, await cluster.brokerStarts()), controller);
    const last = Object.values(await runs()).map((all) => all.slice(-2));
    expect(last).toEqual([1, 2, 3].map(() => ["3.8 3.9.1", "3.9 3.9.1"]));
    await lab.expectNoChanges();
  },
  TWO_KILLS_MS,
);

/** Whether the operator has restarted two brokers. A line may be printed more than once. */
const hasRestartedTwo = (printed: string) =>
  new Set(printed.match(/\S+: kafka-server restarted/g)).size >= 2;

const lastOf = (all: Record<string, string[]>) =>
  Object.fromEntries(Object.entries(all).map(([name, each]) => [name, each.at(-1)]));
