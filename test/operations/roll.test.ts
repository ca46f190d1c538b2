import { expect, test } from "vitest";
import { Load } from "../../cli/drill/load";
import { hostOf, onAll, same } from "../support/host";
import { useLab } from "../support/lab";
import {
  BOOTSTRAP,
  Cluster,
  expectKeyTable,
  expectUndisturbed,
  leaderLast,
  names,
  since,
} from "../support/cluster";

/*
 * Changed configurations on a lab that runs: what restarts, in which order, and what does not. Each
 * test starts from what the one before it left.
 */

const LOAD = {
  ...{ topic: "roll", partitions: 3, bootstrap: BOOTSTRAP },
  ...{ perSecond: 30, maxSeconds: 280 },
};

const lab = useLab("roll", () => lab.up());
const cluster = new Cluster(lab);

async function refused(brokerConfig: Record<string, string>): Promise<string> {
  lab.configure({ brokerConfig });
  const { status, output } = await lab.run("up");
  expect(status).not.toBe(0);
  return output;
}

test("the table of a broker's keys is that of the release", async () => {
  await expectKeyTable(hostOf(await lab.hosts(), "peter-kafka01"));
});

test("a key that is read at start restarts each broker once, the controller last, under load", async () => {
  const broker = hostOf(await lab.hosts(), "peter-kafka01");
  const [before, last] = [await cluster.brokerStarts(), await cluster.controller()];
  const load = await Load.start(broker, LOAD);
  lab.configure({ brokerConfig: { "queued.max.requests": 600 } });
  await lab.up();
  const report = await load.stop();
  const after = await cluster.brokerStarts();
  expect(since(before, after)).toEqual(leaderLast("kafka", last));
  expectUndisturbed(report, LOAD.perSecond);
});

test("a key that brokers take while they run restarts none, and is taken back so", async () => {
  const before = await cluster.brokerStarts();
  lab.configure({
    brokerConfig: {
      "queued.max.requests": 600,
      "log.retention.ms": 3_600_000,
      "log.cleaner.threads": 2,
    },
  });
  await lab.up();
  expect(await cluster.inForce("log.cleaner.threads")).toEqual(same(names("kafka"), "2"));
  expect(await cluster.inForce("log.retention.ms")).toEqual(same(names("kafka"), "3600000"));
  const file = "grep -c '^log.cleaner.threads=2$' /usr/local/kafka/config/server.properties";
  expect(await onAll(await cluster.hostsOf("kafka"), file)).toEqual(same(names("kafka"), "1"));

  lab.configure({ brokerConfig: { "queued.max.requests": 600 } });
  await lab.up();
  expect(await cluster.inForce("log.cleaner.threads")).toEqual(same(names("kafka"), "1"));
  expect(await cluster.inForce("log.retention.ms")).toEqual(same(names("kafka"), "null"));
  expect(await cluster.brokerStarts()).toEqual(before);
});

test("a key that Kafka does not know, or a value that it does not take, restarts none", async () => {
  const before = await cluster.brokerStarts();
  expect(await refused({ "num.io.thread": "16" })).toContain(
    'Setting "kafkalab:brokerConfig": it must hold keys that Kafka 3.9.1 knows; ' +
      'got ["num.io.thread","16"]. Write num.io.threads, or leave it out.',
  );
  expect(await refused({ "queued.max.requests": "some" })).toContain(
    'setting "kafkalab:brokerConfig": it must hold values that kafka_2.13-3.9.1 takes; ' +
      "got Invalid value some for configuration queued.max.requests: Not a number of type INT. " +
      "Nothing was changed here. Correct it and run up again.",
  );
  expect(await cluster.brokerStarts()).toEqual(before);
});

test("a broker that does not come back stops the roll, and the next up goes on there", async () => {
  const [before, last] = [await cluster.brokerStarts(), await cluster.controller()];
  const [first = ""] = leaderLast("kafka", last);
  const output = await refused({ "authorizer.class.name": "no.such.Authorizer" });
  expect(output).toContain(`${first}: kafka-server not back with its new configuration`);
  expect(output).toMatch(/ClassNotFoundException: no\.such\.Authorizer/);
  const stopped = await cluster.brokerStarts();
  expect([...new Set(since(before, stopped))]).toEqual([first]);

  lab.configure({ brokerConfig: { "queued.max.requests": 400, "num.io.threads": 2 } });
  await lab.up();
  expect(since(stopped, await cluster.brokerStarts())).toEqual(leaderLast("kafka", last));
  expect(await cluster.inForce("queued.max.requests")).toEqual(same(names("kafka"), "400"));
  expect(await cluster.inForce("num.io.threads")).toEqual(same(names("kafka"), "2"));
});

test("a changed key of ZooKeeper restarts each node once, the leader last", async () => {
  const [before, brokers, last] = [
    await cluster.nodeStarts(),
    await cluster.brokerStarts(),
    (await cluster.leadership()).leader,
  ];
  lab.configure({
    brokerConfig: { "queued.max.requests": 400, "num.io.threads": 2 },
    zookeeperConfig: { snapCount: 50_000 },
  });
  await lab.up();
  expect(since(before, await cluster.nodeStarts())).toEqual(leaderLast("zk", last));
  expect(await cluster.brokerStarts()).toEqual(brokers);
});
