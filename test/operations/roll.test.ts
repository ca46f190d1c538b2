import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readBrokerKeys } from "../../components/lib/further-keys";
import { Load } from "../../scripts/drill/load";
import { type Host, hostOf, onAll, same } from "../support/host";
import { root, useLab } from "../support/lab";

/*
 * Changed configurations on a lab that runs: what restarts, in which order, and what does not. Each
 * test starts from what the one before it left.
 */

const KAFKA = "/usr/local/kafka/bin";
const BOOTSTRAP = "peter-kafka01:9092,peter-kafka02:9092,peter-kafka03:9092";
const LOAD = {
  ...{ topic: "roll", partitions: 3, bootstrap: BOOTSTRAP },
  ...{ perSecond: 30, maxSeconds: 280 },
};
const MAX_PAUSE_MS = 5000;

const names = (role: string) => [1, 2, 3].map((ordinal) => `peter-${role}0${ordinal}`);

const lab = useLab("roll", () => lab.up());

async function hostsOf(role: string): Promise<Host[]> {
  const hosts = await lab.hosts();
  return names(role).map((name) => hostOf(hosts, name));
}

/** When the service was started on each host, by systemd's own log: seconds, one entry a start. */
async function startsOf(role: string, service: string): Promise<Record<string, number[]>> {
  const command = `sudo journalctl -q -u ${service} --grep '^Started ' -o short-unix`;
  const logs = await onAll(await hostsOf(role), command);
  return Object.fromEntries(
    Object.entries(logs).map(([name, log]) => [name, log.split("\n").map(parseFloat)]),
  );
}

const brokerStarts = () => startsOf("kafka", "kafka-server");
const nodeStarts = () => startsOf("zk", "zookeeper-server");

/** What was started since, in order. */
function since(before: Record<string, number[]>, after: Record<string, number[]>): string[] {
  return Object.entries(after)
    .flatMap(([name, times]) =>
      times.slice(before[name]?.length).map((time): [number, string] => [time, name]),
    )
    .sort(([one], [other]) => one - other)
    .map(([, name]) => name);
}

/** The nodes in the order in which a roll takes them. */
function leaderLast(role: string, leader: string): string[] {
  return [
    ...names(role)
      .reverse()
      .filter((name) => name !== leader),
    leader,
  ];
}

async function controller(): Promise<string> {
  const [broker] = await hostsOf("kafka");
  const seen = (await broker?.run("kcat -L -b localhost:9092")) ?? "";
  return /at (peter-kafka\d+)\S* \(controller\)$/m.exec(seen)?.[1] ?? seen;
}

async function zookeeperLeader(): Promise<string> {
  const command = "exec 3<>/dev/tcp/localhost/2181; echo srvr >&3; grep Mode <&3";
  const modes = await onAll(await hostsOf("zk"), `bash -c '${command}'`);
  return Object.keys(modes).find((name) => modes[name] === "Mode: leader") ?? JSON.stringify(modes);
}

/** What each broker itself says that a key is. */
async function inForce(key: string): Promise<Record<string, string>> {
  const ask = `${KAFKA}/kafka-configs.sh --bootstrap-server "$(hostname):9092" --describe --all`;
  return onAll(
    await hostsOf("kafka"),
    `id=$(hostname -s); ${ask} --entity-type brokers --entity-name "\${id: -1}" | sed -n 's/^  ${key}=\\(\\S*\\) .*/\\1/p'`,
  );
}

async function refused(brokerConfig: Record<string, string>): Promise<string> {
  lab.configure({ brokerConfig });
  const { status, output } = await lab.run("up");
  expect(status).not.toBe(0);
  return output;
}

test("the table of a broker's keys is that of the release", async () => {
  const [broker] = await hostsOf("kafka");
  const html = (await broker?.run(`${KAFKA}/kafka-run-class.sh kafka.server.KafkaConfig`)) ?? "";
  const rows = /<h4><a id="([^"]+)">[^]*?Type:<\/th><td>(.*?)<[^]*?Update Mode:<\/th><td>(.*?)</g;
  const keys: { live: string[]; restart: string[] } = { live: [], restart: [] };
  for (const [, key = "", type, mode] of html.matchAll(rows)) {
    // A password is never shown again, so nobody could tell whether it is in force.
    keys[mode === "read-only" || type === "password" ? "restart" : "live"].push(key);
  }
  expect(keys.live).toEqual(expect.arrayContaining(["log.cleaner.threads", "num.io.threads"]));
  const file = join(root, "components/lib/broker-keys.json");
  const tables = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  const release = (await broker?.run("basename $(readlink /usr/local/kafka)")) ?? "";
  const version = release.trim().replace(/^.*-/, "");
  tables[version] = { live: keys.live.sort(), restart: keys.restart.sort() };
  await expect(`${JSON.stringify(tables, null, 2)}\n`).toMatchFileSnapshot(file);
  expect(readBrokerKeys(version)).toEqual(keys);
});

test("a key that is read at start restarts each broker once, the controller last, under load", async () => {
  const broker = hostOf(await lab.hosts(), "peter-kafka01");
  const [before, last] = [await brokerStarts(), await controller()];
  const load = await Load.start(broker, LOAD);
  lab.configure({ brokerConfig: { "log.retention.hours": 48 } });
  await lab.up();
  const report = await load.stop();
  const after = await brokerStarts();
  expect(since(before, after)).toEqual(leaderLast("kafka", last));
  expect(report).toMatchObject({ failed: 0, lost: 0, duplicated: 0, outOfOrder: 0 });
  expect(report.acknowledged).toBeGreaterThan(LOAD.perSecond);
  // As long as it takes to hand over a leader, and no election of one that nobody prepared.
  expect(report.longestPartitionPauseMs).toBeLessThan(MAX_PAUSE_MS);
});

test("a key that brokers take while they run restarts none, and is taken back so", async () => {
  const before = await brokerStarts();
  lab.configure({
    brokerConfig: {
      "log.retention.hours": 48,
      "log.retention.ms": 3_600_000,
      "log.cleaner.threads": 2,
    },
  });
  await lab.up();
  expect(await inForce("log.cleaner.threads")).toEqual(same(names("kafka"), "2"));
  expect(await inForce("log.retention.ms")).toEqual(same(names("kafka"), "3600000"));
  const file = "grep -c '^log.cleaner.threads=2$' /usr/local/kafka/config/server.properties";
  expect(await onAll(await hostsOf("kafka"), file)).toEqual(same(names("kafka"), "1"));

  lab.configure({ brokerConfig: { "log.retention.hours": 48 } });
  await lab.up();
  expect(await inForce("log.cleaner.threads")).toEqual(same(names("kafka"), "1"));
  expect(await inForce("log.retention.ms")).toEqual(same(names("kafka"), "null"));
  expect(await brokerStarts()).toEqual(before);
});

test("a key that Kafka does not know, or a value that it does not take, restarts none", async () => {
  const before = await brokerStarts();
  expect(await refused({ "num.io.thread": "16" })).toContain(
    'Setting "kafkalab:brokerConfig": it must hold keys that Kafka 3.9.1 knows; ' +
      'got ["num.io.thread","16"]. Write num.io.threads, or leave it out.',
  );
  expect(await refused({ "log.retention.hours": "some" })).toContain(
    'setting "kafkalab:brokerConfig": it must hold values that kafka_2.13-3.9.1 takes; ' +
      "got Invalid value some for configuration log.retention.hours: Not a number of type INT. " +
      "Nothing was changed here. Correct it and run up again.",
  );
  expect(await brokerStarts()).toEqual(before);
});

test("a broker that does not come back stops the roll, and the next up goes on there", async () => {
  const [before, last] = [await brokerStarts(), await controller()];
  const [first = ""] = leaderLast("kafka", last);
  const output = await refused({ "authorizer.class.name": "no.such.Authorizer" });
  expect(output).toContain(`${first}: kafka-server not back with its new configuration`);
  expect(output).toMatch(/ClassNotFoundException: no\.such\.Authorizer/);
  const stopped = await brokerStarts();
  expect([...new Set(since(before, stopped))]).toEqual([first]);

  lab.configure({ brokerConfig: { "log.retention.hours": 24, "num.io.threads": 2 } });
  await lab.up();
  expect(since(stopped, await brokerStarts())).toEqual(leaderLast("kafka", last));
  expect(await inForce("log.retention.hours")).toEqual(same(names("kafka"), "24"));
  expect(await inForce("num.io.threads")).toEqual(same(names("kafka"), "2"));
});

test("a changed key of ZooKeeper restarts each node once, the leader last", async () => {
  const [before, brokers, last] = [
    await nodeStarts(),
    await brokerStarts(),
    await zookeeperLeader(),
  ];
  lab.configure({
    brokerConfig: { "log.retention.hours": 24, "num.io.threads": 2 },
    zookeeperConfig: { snapCount: 50_000 },
  });
  await lab.up();
  expect(since(before, await nodeStarts())).toEqual(leaderLast("zk", last));
  expect(await brokerStarts()).toEqual(brokers);
});
