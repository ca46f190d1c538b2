import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { readBrokerKeys } from "../../components/lib/kafka-keys";
import type { LoadReport } from "../../cli/drill/load";
import { bootstrap, kcat, REPLICATION_PORT } from "../../shared/kafka-contact";
import { type Host, hostOf, onAll } from "./host";
import { type Lab, root } from "./lab";

/** When a service was started on each host, by systemd's own log: seconds, one entry a start. */
export type Starts = Record<string, number[]>;

const KAFKA = "/usr/local/kafka/bin";
const TOPIC = "peter-overview01";

/** The first hosts of a role, `kafka` or `zk`. */
export const names = (role: string, count = 3) =>
  Array.from({ length: count }, (_, index) => `peter-${role}0${index + 1}`);

/** The first three brokers, at a port. */
const serversAt = (port: number) => names("kafka").map((name) => `${name}:${port}`);

/** The first three brokers of a lab in plaintext. */
export const BOOTSTRAP = serversAt(9092).join();

/** The same in a secured lab, as the lab's own tools reach them. */
export const SECURED_BOOTSTRAP = serversAt(REPLICATION_PORT).join();

/**
 * The longest time that a partition may be without an acknowledgement. Where leaders are handed over
 * it is 0.3 to 1.9 s here, and to 4.8 s where partitions move off brokers that go; where a broker goes
 * without handing over it is 18 s, ZooKeeper's session.
 */
const MAX_PAUSE_MS = 8000;

/** The command that asks ZooKeeper on its host by a four-letter word. */
export const askZooKeeper = (word: string) =>
  `bash -c 'exec 3<>/dev/tcp/localhost/2181; echo ${word} >&3; cat <&3'`;

/** The services of a lab, as they themselves see it; of the first three nodes, unless said otherwise. */
export class Cluster {
  /** @param port Where the lab's own tools reach the brokers. */
  constructor(
    private readonly lab: Lab,
    private readonly port: 9092 | typeof REPLICATION_PORT = 9092,
  ) {}

  async hostsOf(role: string, count?: number): Promise<Host[]> {
    const hosts = await this.lab.hosts();
    return names(role, count).map((name) => hostOf(hosts, name));
  }

  brokerStarts(count?: number): Promise<Starts> {
    return this.startsOf("kafka", "kafka-server", count);
  }

  nodeStarts(count?: number): Promise<Starts> {
    return this.startsOf("zk", "zookeeper-server", count);
  }

  async controller(): Promise<string> {
    const [broker] = await this.hostsOf("kafka");
    const seen = (await broker?.run(`${this.kcat("localhost")} -L`)) ?? "";
    return /at (peter-kafka\d+)\S* \(controller\)$/m.exec(seen)?.[1] ?? seen;
  }

  /** The ensemble's leader, and the epoch, which every election begins anew. */
  async leadership(count?: number): Promise<{ leader: string; epoch: number }> {
    const answers = await onAll(await this.hostsOf("zk", count), askZooKeeper("srvr"));
    const leader = Object.keys(answers).find((name) => answers[name]?.includes("Mode: leader"));
    const zxid = /^Zxid: (0x[0-9a-f]+)$/m.exec(answers[leader ?? ""] ?? "")?.[1];
    if (leader === undefined || zxid === undefined) {
      throw new Error(`no leader; the nodes say ${JSON.stringify(answers)}`);
    }
    return { leader, epoch: Number(BigInt(zxid) >> 32n) };
  }

  /** What each broker itself says that a key is. */
  async inForce(key: string): Promise<Record<string, string>> {
    const reach = bootstrap([`$(hostname):${this.port}`]).join(" ");
    const ask = `${KAFKA}/kafka-configs.sh ${reach} --describe --all`;
    return onAll(
      await this.hostsOf("kafka"),
      `id=$(hostname -s); ${ask} --entity-type brokers --entity-name "\${id: -1}" | sed -n 's/^  ${key}=\\(\\S*\\) .*/\\1/p'`,
    );
  }

  /** Has a message of its own acknowledged by all replicas, in the smoke test's topic. */
  async produce(): Promise<string> {
    const message = `message-${randomUUID()}`;
    const [broker] = await this.hostsOf("kafka");
    await broker?.run(`${this.kcat("peter-kafka02")} -P -t ${TOPIC} -p 0 -X acks=all`, {
      input: message,
    });
    return message;
  }

  /** What the first partition of that topic holds. */
  async messages(): Promise<string[]> {
    const [, , broker] = await this.hostsOf("kafka");
    const command = `${this.kcat("peter-kafka01")} -C -q -e -t ${TOPIC} -p 0 -o beginning`;
    return (await broker?.run(command))?.trim().split("\n") ?? [];
  }

  /** On each broker, which file that partition's first segment is, and since when. */
  async segments(): Promise<Record<string, string>> {
    const file = `/data/kafka-logs/${TOPIC}-0/00000000000000000000.log`;
    return onAll(await this.hostsOf("kafka"), `sudo stat -c '%i born %W' ${file}`);
  }

  /**
   * Of each broker since its host's boot: how often systemd restarted it by itself, and how many lines
   * of its journal say that its id was still registered in ZooKeeper.
   */
  async failedStarts(): Promise<Record<string, string>> {
    return onAll(
      await this.hostsOf("kafka"),
      "echo $(systemctl show -P NRestarts kafka-server) restarts, $(sudo journalctl -q -b -u kafka-server -o cat --grep NodeExists | wc -l) refused",
    );
  }

  private kcat(broker: string): string {
    return kcat([`${broker}:${this.port}`]).join(" ");
  }

  private async startsOf(role: string, service: string, count?: number): Promise<Starts> {
    const command = `sudo journalctl -q -u ${service} --grep '^Started ' -o short-unix`;
    const logs = await onAll(await this.hostsOf(role, count), command);
    return Object.fromEntries(
      Object.entries(logs).map(([name, log]) => [name, log.split("\n").map(parseFloat)]),
    );
  }
}

/** Whoever wrote `perSecond` messages a second must not have noticed anything. */
export function expectUndisturbed(report: LoadReport, perSecond: number): void {
  process.stderr.write(`load: ${JSON.stringify({ ...report, partitions: undefined })}\n`);
  expect(report).toMatchObject({ failed: 0, lost: 0, duplicated: 0, outOfOrder: 0 });
  expect(report.acknowledged).toBeGreaterThan(perSecond);
  // As long as it takes to hand over a leader, and no election of one that nobody prepared.
  expect(report.longestPartitionPauseMs).toBeLessThan(MAX_PAUSE_MS);
}

/** What was started since, in order. */
export function since(before: Starts, after: Starts): string[] {
  return Object.entries(after)
    .flatMap(([name, times]) =>
      times.slice(before[name]?.length).map((time): [number, string] => [time, name]),
    )
    .sort(([one], [other]) => one - other)
    .map(([, name]) => name);
}

/** The nodes in the order in which a roll takes them. */
export function leaderLast(role: string, leader: string, count?: number): string[] {
  return [
    ...names(role, count)
      .reverse()
      .filter((name) => name !== leader),
    leader,
  ];
}

/** The table of a broker's keys must be what its release lists; `-u` writes it. */
export async function expectKeyTable(broker: Host): Promise<void> {
  const html = await broker.run(`${KAFKA}/kafka-run-class.sh kafka.server.KafkaConfig`);
  const rows = /<h4><a id="([^"]+)">[^]*?Type:<\/th><td>(.*?)<[^]*?Update Mode:<\/th><td>(.*?)</g;
  const keys: { live: string[]; restart: string[] } = { live: [], restart: [] };
  for (const [, key = "", type, mode] of html.matchAll(rows)) {
    // A password is never shown again, so nobody could tell whether it is in force.
    keys[mode === "read-only" || type === "password" ? "restart" : "live"].push(key);
  }
  expect(keys.live).toEqual(expect.arrayContaining(["log.cleaner.threads", "num.io.threads"]));
  const file = join(root, "components/lib/broker-keys.json");
  const tables = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  const release = await broker.run("basename $(readlink /usr/local/kafka)");
  const version = release.trim().replace(/^.*-/, "");
  tables[version] = { live: keys.live.sort(), restart: keys.restart.sort() };
  await expect(`${JSON.stringify(tables, null, 2)}\n`).toMatchFileSnapshot(file);
  expect(readBrokerKeys(version)).toEqual(keys);
  await expectTopicKeyTable(broker, version);
}

async function expectTopicKeyTable(broker: Host, version: string): Promise<void> {
  const config = "org.apache.kafka.storage.internals.log.LogConfig";
  const html = await broker.run(`${KAFKA}/kafka-run-class.sh ${config}`);
  const keys = [...html.matchAll(/<h4><a id="([^"]+)">/g)].map(([, key = ""]) => key).sort();
  expect(keys).toEqual(expect.arrayContaining(["cleanup.policy", "retention.ms"]));
  const file = join(root, "components/lib/topic-keys.json");
  const tables = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  tables[version] = keys;
  await expect(`${JSON.stringify(tables, null, 2)}\n`).toMatchFileSnapshot(file);
}
