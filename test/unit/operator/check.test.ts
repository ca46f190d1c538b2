import { describe, expect, test } from "vitest";
import { checkBrokers, identityFault } from "../../../operator/kafka/check";
import { type ClusterLook, KafkaCluster } from "../../../operator/kafka/cluster";
import type { RemoteHost } from "../../../operator/host";
import type { Metadata } from "../../../operator/kafka/metadata";
import { noteOf } from "../../../operator/service/files";
import { readNodeState } from "../../../operator/service/node";
import { readProperties } from "../../../operator/service/properties";
import { files, kafkaWish } from "./support";

const FILE = "/data/kafka/meta.properties";
const meta = (text: string) => readProperties(`#Sun Nov 29\nversion=0\n${text}`);

describe("identityFault", () => {
  test.each([
    ["this cluster's", "abc"],
    ["a cluster that nobody knows", undefined],
  ])("takes a broker's own data of %s", (_, clusterId) => {
    expect(
      identityFault(FILE, 2, clusterId, meta("cluster.id=abc\nbroker.id=2\n")),
    ).toBeUndefined();
  });

  test.each([
    ["another broker's data", "cluster.id=abc\nbroker.id=1\n", "1"],
    ["a broker whose number begins the same", "cluster.id=abc\nbroker.id=22\n", "22"],
    ["a damaged file", "cluster.id=abc\n", ""],
  ])("refuses %s, with the repair", (_, text, got) => {
    expect(identityFault(FILE, 2, "abc", meta(text))).toBe(
      `${FILE}: broker.id must be 2; got "${got}". Either this volume ` +
        "is another broker's: attach the right one. Or the file is damaged: write the line " +
        "broker.id=2 into it.",
    );
  });

  test.each([
    ["another cluster's data", "broker.id=2\ncluster.id=x=y\n", "x=y"],
    ["a damaged file", "broker.id=2\n", ""],
  ])("refuses %s, with the repair of the cluster's id", (_, text, got) => {
    expect(identityFault(FILE, 2, "abc", meta(text))).toBe(
      `${FILE}: cluster.id must be abc; got "${got}". Either this volume is another cluster's: ` +
        "attach the right one. Or the file is damaged: write the line cluster.id=abc into it.",
    );
  });
});

describe("checkBrokers", () => {
  const META = "/data/kafka/meta.properties";

  interface Scene {
    release?: string;
    protocol?: string;
    /** Protocols of the brokers' data. */
    present?: (string | undefined)[];
    hasUserKeys?: boolean;
    /** Ids of brokers that do not serve. */
    stopped?: number[];
    /** `meta.properties` by broker id. */
    metas?: Record<number, string>;
    metadata?: Metadata;
    running?: (string | undefined)[];
  }

  /** Checks brokers 1 and 2. Returns the hosts whose settings Kafka has judged, and the error. */
  async function check({ present = ["3.9", "3.9"], stopped = [], metas = {}, ...more }: Scene) {
    const wanted = files({ release: more.release ?? "3.9.1", protocol: more.protocol ?? "3.9" });
    const judged: string[] = [];
    const hostOf = (name: string): RemoteHost => ({
      name,
      exec: () => Promise.resolve('{"version":"1","id":"abc"}\n'),
      script: (scripts, { CONFIG = "" }) => {
        expect(scripts).toEqual(["kafka-check.sh", "kafka-judge.sh"]);
        expect(CONFIG).toBe(wanted.config);
        judged.push(name);
        return Promise.resolve("");
      },
      isOpen: () => Promise.resolve(true),
      ask: () => Promise.reject(new Error("no question is expected")),
    });
    const wish = kafkaWish(2, wanted, {
      zookeeper: ["z:2181"],
      hasUserKeys: more.hasUserKeys ?? false,
    });
    const names = ["host1", "host2"];
    const cluster = new KafkaCluster(wish, new Map(names.map((name) => [name, hostOf(name)])));
    const stateOf = (id: number) => {
      const unit = "ActiveState=active\nSubState=running\nNRestarts=0\n";
      const lines = { systemd: unit, ...(metas[id] !== undefined && { [META]: metas[id] }) };
      return readNodeState(
        Object.entries(lines)
          .map(([name, text]) => `${name} ${Buffer.from(text).toString("base64")}\n`)
          .join(""),
      );
    };
    const look: ClusterLook = {
      brokers: [1, 2].map((id, index) => ({
        ...{ id, serves: !stopped.includes(id), isSick: false, files: wanted, wanted },
        ...{ protocol: present[index], running: more.running?.[index] },
      })),
      states: new Map([1, 2].map((id) => [id, stateOf(id)])),
      metadata: more.metadata,
    };
    const error = await checkBrokers(cluster, look).then(
      () => undefined,
      ({ message }: Error) => message,
    );
    return { judged, error };
  }

  const own = (id: number, cluster = "abc") => `broker.id=${id}\ncluster.id=${cluster}\n`;

  test("lets brokers pass that can run with what they should", async () => {
    expect(await check({ metas: { 1: own(1), 2: own(2) }, stopped: [1, 2] })).toEqual({
      judged: [],
      error: undefined,
    });
  });

  test("refuses an older protocol on every broker, in one error", async () => {
    const { error } = await check({ release: "3.8.1", protocol: "3.8" });
    const lines = error?.split("\n") ?? [];
    expect(lines).toHaveLength(2);
    for (const [index, line] of lines.entries()) {
      expect(line).toContain(
        `host${index + 1}: setting "kafkalab:kafkaVersion": it must be 3.9 or later`,
      );
    }
  });

  test("refuses fewer brokers than a topic has replicas", async () => {
    const wide = { topic: "wide", partition: 0, leader: 1, replicas: [1, 2, 3], inSync: [1, 2, 3] };
    const { error } = await check({
      metadata: { brokers: [1, 2, 3], controller: 1, partitions: [wide] },
    });
    expect(error).toContain("as many as these topics have replicas: wide (3); got 2.");
  });

  test("refuses a newer protocol while a broker is to go", async () => {
    const metadata = { brokers: [1, 2, 3], controller: 1, partitions: [] };
    const { error } = await check({ present: ["3.8", "3.8"], metadata });
    expect(error).toBe(
      'setting "kafkalab:kafkaVersion": it must not change while you remove brokers 3; got 3.9.1. ' +
        "Nothing was changed. Run up with the former version first; then set the new one.",
    );
    expect((await check({ metadata })).error).toBeUndefined();
  });

  test.each([
    [
      "that runs with what it should is not asked for its data",
      { metas: { 1: own(2) }, running: [noteOf(files()), noteOf(files())] },
      undefined,
    ],
    [
      "that serves and is about to change must have its own data",
      { metas: { 1: own(2) } },
      `host1: ${META}: broker.id must be 1; got "2".`,
    ],
    [
      "that is stopped must have its own data",
      { metas: { 1: own(2) }, stopped: [1] },
      `host1: ${META}: broker.id must be 1; got "2".`,
    ],
    [
      "must have data of the cluster that serves",
      { metas: { 1: own(1), 2: own(2, "other") }, stopped: [2] },
      `host2: ${META}: cluster.id must be abc; got "other".`,
    ],
    [
      "must have data of the cluster that ZooKeeper knows, where none serves",
      { metas: { 1: own(1, "other"), 2: own(2) }, stopped: [1, 2] },
      `host1: ${META}: cluster.id must be abc; got "other".`,
    ],
  ])("a broker %s", async (_, scene, fault) => {
    const { error } = await check(scene);
    expect(error?.slice(0, fault?.length)).toBe(fault);
  });

  test("lets Kafka judge the user's keys once, on the last broker that is about to change", async () => {
    const note = noteOf(files());
    expect((await check({ hasUserKeys: true })).judged).toEqual(["host2"]);
    expect((await check({ hasUserKeys: true, running: [undefined, note] })).judged).toEqual([
      "host1",
    ]);
    expect((await check({ hasUserKeys: true, running: [note, note] })).judged).toEqual([]);
    expect((await check({})).judged).toEqual([]);
  });
});
