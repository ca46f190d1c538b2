import { expect, test, vi } from "vitest";
import { Load } from "../../cli/drill/load";
import { Session } from "../../cli/drill/session";
import {
  askZooKeeper,
  BOOTSTRAP,
  Cluster,
  expectUndisturbed,
  leaderLast,
  names,
  since,
} from "../support/cluster";
import { type Host, hostOf, onAll, same } from "../support/host";
import { type Settings, useLab } from "../support/lab";
import { waitFor } from "../support/run";

/*
 * A ZooKeeper ensemble that grows and shrinks under load, and goes on all the while. Each test starts
 * from what the one before it left.
 */

const LOAD = { partitions: 3, perSecond: 30, maxSeconds: 560, bootstrap: BOOTSTRAP };
/** Without a majority that serves: while nothing is elected, no more than it takes to ask. */
const MAX_ASKING_MS = 1500;
const MAX_ELECTION_MS = 5000;

// Two ups, one of them killed, under load.
vi.setConfig({ testTimeout: 600_000 });

const BROKERS = names("kafka");
const FIVE: Settings = { zookeeperNodes: 5 };
const SNAP: Settings = { zookeeperConfig: { snapCount: 50_000 } };

const lab = useLab("ensemble", () => lab.up());
const cluster = new Cluster(lab);

async function hostNamed(name: string): Promise<Host> {
  return hostOf(await lab.hosts(), name);
}

/** What each node takes for the members, now and at its next start. */
async function expectMembers(count: number): Promise<void> {
  const inForce = `${askZooKeeper("conf")} | sed -n 's/^server\\.[0-9]*=\\([^:]*\\).*/\\1/p'`;
  const onDisk =
    "sudo sh -c 'cat $(sed -n s/^dynamicConfigFile=//p /data/zk/zoo.cfg)' | sed -n 's/^server\\.[0-9]*=\\([^:]*\\).*/\\1/p'";
  const seen = await onAll(await cluster.hostsOf("zk", count), `${inForce}; ${onDisk}`);
  const wanted = [...names("zk", count), ...names("zk", count)].join("\n");
  expect(seen).toEqual(same(names("zk", count), wanted));
}

/** Asks the three nodes that stay, again and again, whether a majority serves; from a broker. */
class Watch {
  private constructor(private readonly session: Session) {}

  static async start(): Promise<Watch> {
    // A node that is not one of a majority answers without a mode. Each is asked by a loop of its own,
    // so that an answer which is late hides no other node's.
    const script = `
serves='exec 3<>"/dev/tcp/$0/2181" && printf srvr >&3 && grep -q "^Mode: " <&3'
for node in ${names("zk").join(" ")}; do
  while sleep 0.2; do
    timeout ${MAX_ASKING_MS / 1000} bash -c "$serves" "$node" 2>/dev/null && date +%s%3N
  done &
done
cat >/dev/null
kill $(jobs -p)`;
    const session = Session.on(await hostNamed("peter-kafka02"), "the watch", script);
    await session.line("1", 30);
    return new Watch(session);
  }

  /** The longest time in which no node was seen to serve, in ms. */
  async stop(): Promise<number> {
    await this.session.end(10);
    const times = this.session.lines.map(Number).sort((one, other) => one - other);
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? time));
    expect(times.length).toBeGreaterThan(20);
    return Math.max(...gaps);
  }
}

/** Changes the lab under load, which must not notice. The longest time without ZooKeeper, in ms. */
async function underLoad(topic: string, change: () => Promise<unknown>): Promise<number> {
  const load = await Load.start(await hostNamed("peter-kafka01"), { ...LOAD, topic });
  const watch = await Watch.start();
  await change();
  const unservedMs = await watch.stop();
  process.stderr.write(`without ZooKeeper: ${unservedMs} ms\n`);
  expectUndisturbed(await load.stop(), LOAD.perSecond);
  return unservedMs;
}

/** Each broker knows these ZooKeepers, and no other. */
async function expectConnect(count: number): Promise<void> {
  const connect = names("zk", count).map((name) => `${name}.foo.bar:2181`);
  const file = "/usr/local/kafka/config/server.properties";
  expect(
    await onAll(await cluster.hostsOf("kafka"), `sed -n 's/^zookeeper.connect=//p' ${file}`),
  ).toEqual(same(BROKERS, connect.join()));
}

test("from three to five: no node restarts, nothing is elected, brokers roll", async () => {
  const [zookeepers, brokers] = [await cluster.nodeStarts(), await cluster.brokerStarts()];
  const [before, last] = [await cluster.leadership(3), await cluster.controller()];
  lab.configure(FIVE);
  const unservedMs = await underLoad("grow", () => lab.up());
  await expectMembers(5);
  expect(since(zookeepers, await cluster.nodeStarts(5)).sort()).toEqual([
    "peter-zk04",
    "peter-zk05",
  ]);
  expect(await cluster.leadership(5)).toEqual(before);
  expect(unservedMs).toBeLessThan(MAX_ASKING_MS);
  expect(since(brokers, await cluster.brokerStarts())).toEqual(leaderLast("kafka", last));
  await expectConnect(5);
  await lab.expectNoChanges();
});

test("a changed key restarts each of the five once, the leader last, and the members stay", async () => {
  const [before, { leader }] = [await cluster.nodeStarts(5), await cluster.leadership(5)];
  lab.configure({ ...FIVE, ...SNAP });
  await lab.up();
  expect(since(before, await cluster.nodeStarts(5))).toEqual(leaderLast("zk", leader, 5));
  await expectMembers(5);
  const file = "sudo grep -c '^snapCount=50000$' /data/zk/zoo.cfg";
  expect(await onAll(await cluster.hostsOf("zk", 5), file)).toEqual(same(names("zk", 5), "1"));
});

test("nobody but the host's own root changes the members", async () => {
  const [first, other] = await cluster.hostsOf("zk");
  const ask = async (host: Host | undefined, ...commands: string[]) => {
    const cli = "/usr/local/zookeeper/bin/zkCli.sh -server localhost:2181 2>&1";
    return (await host?.try(cli, { input: `${commands.join("\n")}\n` }))?.output;
  };
  const closed = "Insufficient permission : ";
  const remove = "reconfig -remove 5";
  expect(await ask(first, remove)).toContain(closed);
  expect(await ask(first, "addauth digest super:guess", remove)).toContain(closed);
  const secret = "/etc/kafkalab/zookeeper-super";
  expect((await first?.try(`cat ${secret}`))?.output).toContain("Permission denied");
  const [own, others] = [
    await first?.run(`sudo cat ${secret}`),
    await other?.run(`sudo cat ${secret}`),
  ];
  expect(own).toMatch(/^[0-9a-f]{64}$/);
  expect(others).not.toBe(own);
  expect(await ask(other, `addauth digest super:${own}`, remove)).toContain(closed);
  const { stdout: state } = await lab.pulumi("stack", "export", "--show-secrets");
  expect(state).toContain("zookeeper-5-instance");
  expect(state).not.toContain(own);
  expect(lab.printed()).not.toContain(own);
  // Nor has it been written down anywhere else on the host where the operator had it used.
  const search = `journalctl -o cat | grep -cF -f ${secret}; grep -rlF -f ${secret} /root /home /tmp /data /var/log`;
  expect(await first?.run(`sudo bash -c '${search}; true'`)).toBe("0\n");
  await expectMembers(5);
});

test("from five to three, the leader too, and killed in the middle", async () => {
  await leadOneThatGoes();
  const [zookeepers, brokers] = [await cluster.nodeStarts(), await cluster.brokerStarts()];
  const [before, last] = [await cluster.leadership(5), await cluster.controller()];
  lab.configure(SNAP);
  const unservedMs = await underLoad("shrink", async () => {
    await lab.killAt(["up"], "a node is to go", (printed) => /reconfig -remove \d/.test(printed));
    // Neither host is gone before it is no member.
    expect(lab.recordsOf("Instance")).toHaveLength(8);
    await lab.up();
  });
  await expectMembers(3);
  expect([...(await lab.hosts()).keys()].sort()).toEqual([...BROKERS, ...names("zk")].sort());
  expect(await cluster.nodeStarts()).toEqual(zookeepers);
  // One election: the leader was the last to go.
  expect((await cluster.leadership(3)).epoch).toBe(before.epoch + 1);
  expect(unservedMs).toBeLessThan(MAX_ELECTION_MS);
  expect(since(brokers, await cluster.brokerStarts())).toEqual(leaderLast("kafka", last));
  await expectConnect(3);
  await lab.expectNoChanges();
});

test("a node whose data are lost joins the others again, and none of them restarts", async () => {
  const before = await cluster.nodeStarts();
  await lab.up("--replace", "**zookeeper-2-volume");
  await expectMembers(3);
  expect(await cluster.nodeStarts()).toEqual({ ...before, "peter-zk02": [expect.any(Number)] });
  const modes = await onAll(await cluster.hostsOf("zk"), askZooKeeper("srvr"));
  expect(modes["peter-zk02"]).toMatch(/^Mode: (leader|follower)$/m);
  await lab.expectNoChanges();
});

test("destroy needs nothing by hand", async () => {
  await lab.destroy();
});

/** Has the ensemble led by the fourth or the fifth node. */
async function leadOneThatGoes(): Promise<void> {
  await waitFor("the ensemble", "led by a node that is to go", 120, async () => {
    const { leader } = await cluster.leadership(5);
    if (!names("zk").includes(leader)) {
      return {};
    }
    await (await hostNamed(leader)).run("sudo systemctl restart zookeeper-server");
    await waitFor("the ensemble", "of five again", 60, async () => {
      const modes = await onAll(
        await cluster.hostsOf("zk", 5),
        `${askZooKeeper("srvr")} | grep ^Mode || true`,
      );
      return Object.values(modes).includes("") ? JSON.stringify(modes) : {};
    });
    return `leader ${leader}`;
  });
}
