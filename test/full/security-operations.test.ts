import { describe, expect, test, vi } from "vitest";
import { Load } from "../../cli/drill/load";
import { REPLICATION_PORT } from "../../shared/kafka-contact";
import {
  askZooKeeper,
  Cluster,
  expectUndisturbed,
  leaderLast,
  names,
  SECURED_BOOTSTRAP,
  since,
} from "../support/cluster";
import { EXPECTED_OF_DRILLS, expectDrill } from "../support/drills";
import { hostOf, onAll, same } from "../support/host";
import { type Settings, useLab } from "../support/lab";

/*
 * Operations on a lab in each secured mode: what works in plaintext works there. Each test starts from what
 * the one before it left.
 */

// On two cores: an upgrade under load, or a drill.
vi.setConfig({ testTimeout: 900_000, hookTimeout: 600_000 });

const LOAD = { partitions: 3, perSecond: 30, maxSeconds: 800, bootstrap: SECURED_BOOTSTRAP };
const RELEASES = { older: "3.8.1", newer: "3.9.1" };

describe.each(["tls", "sasl"])("in %s", (security) => {
  const lab = useLab(`security-operations-${security}`, (lab) => {
    lab.upSeconds = 900;
    configure({ kafkaVersion: RELEASES.older });
    return lab.up();
  });
  const cluster = new Cluster(lab, REPLICATION_PORT);
  const brokerConfig = { "queued.max.requests": 600 };
  let loads = 0;

  function configure(settings: Settings): void {
    lab.configure({ security, kafkaVersion: RELEASES.newer, ...settings });
  }

  async function underLoad(work: () => Promise<unknown>): Promise<void> {
    const broker = hostOf(await lab.hosts(), "peter-kafka01");
    const load = await Load.start(broker, { ...LOAD, topic: `load-${(loads += 1)}` });
    await work();
    expectUndisturbed(await load.stop(), LOAD.perSecond);
  }

  async function expectWell(): Promise<void> {
    const { status, output } = await lab.run("status");
    expect(status, output).toBe(0);
    await lab.expectNoChanges();
  }

  test("a newer Kafka restarts each broker twice", async () => {
    const before = await cluster.brokerStarts();
    configure({});
    await underLoad(() => lab.up());
    expect(since(before, await cluster.brokerStarts())).toHaveLength(6);
    expect(await cluster.inForce("inter.broker.protocol.version")).toEqual(
      same(names("kafka"), "3.9"),
    );
    await expectWell();
  });

  test("a key that is read at start restarts each broker once, the controller last", async () => {
    const [before, last] = [await cluster.brokerStarts(), await cluster.controller()];
    configure({ brokerConfig });
    await underLoad(() => lab.up());
    expect(since(before, await cluster.brokerStarts())).toEqual(leaderLast("kafka", last));
  });

  test("a key that brokers take while they run restarts none", async () => {
    const before = await cluster.brokerStarts();
    configure({ brokerConfig: { ...brokerConfig, "log.cleaner.threads": 2 } });
    await underLoad(() => lab.up());
    expect(await cluster.inForce("log.cleaner.threads")).toEqual(same(names("kafka"), "2"));
    expect(await cluster.brokerStarts()).toEqual(before);
  });

  test("from 3 brokers to 4 and back, and no broker restarts", async () => {
    const before = await cluster.brokerStarts();
    configure({ brokerConfig, brokers: 4 });
    await underLoad(() => lab.up());
    expect([...(await lab.hosts()).keys()]).toContain("peter-kafka04");
    configure({ brokerConfig });
    await underLoad(() => lab.up());
    expect(await cluster.brokerStarts()).toEqual(before);
    await expectWell();
  });

  test("from 3 ZooKeeper nodes to 5 and back, and no node restarts", async () => {
    const before = await cluster.nodeStarts();
    for (const zookeeperNodes of [5, 3]) {
      configure({ brokerConfig, zookeeperNodes });
      await underLoad(() => lab.up());
      const members = `${askZooKeeper("conf")} | grep -c '^server\\.'`;
      expect(await onAll(await cluster.hostsOf("zk", zookeeperNodes), members)).toEqual(
        same(names("zk", zookeeperNodes), String(zookeeperNodes)),
      );
    }
    expect(await cluster.nodeStarts()).toEqual(before);
    await expectWell();
  });

  test("a checkpoint is saved and restored", async () => {
    const saved = await cluster.produce();
    const save = await lab.run("checkpoint", "save", "secured");
    expect(save.status, save.output).toBe(0);
    const later = await cluster.produce();
    const restore = await lab.run("checkpoint", "restore", "secured");
    expect(restore.status, restore.output).toBe(0);
    const messages = await cluster.messages();
    expect(messages).toContain(saved);
    expect(messages).not.toContain(later);
    await expectWell();
  });

  test("paused and back", async () => {
    configure({ brokerConfig, running: false });
    await lab.up();
    configure({ brokerConfig });
    await lab.up();
    await expectWell();
  });

  test("the machine restarts", async () => {
    await lab.reboot();
    await lab.up();
    await expectWell();
  });

  test.each(Object.entries(EXPECTED_OF_DRILLS))("the drill %s", async (name, expected) => {
    await expectDrill(lab, name, expected);
  });

  test("after all of them there is nothing to change", async () => {
    await lab.expectNoChanges();
  });

  test("destroy needs nothing by hand", async () => {
    await lab.destroy();
  });
});
