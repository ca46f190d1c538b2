import { expect, test, vi } from "vitest";
import { hostName } from "../../components/lib/names";
import { Load } from "../../scripts/drill/load";
import { Session } from "../../scripts/drill/session";
import { type Host, hostOf, onAll, same } from "../support/host";
import { type Settings, useLab } from "../support/lab";
import { killPulumi } from "../support/machine";
import { lastLine, waitFor } from "../support/run";

/*
 * A ZooKeeper ensemble that grows and shrinks under load, and goes on all the while. Each test starts
 * from what the one before it left.
 */

const LOAD = {
  ...{ partitions: 3, perSecond: 30, maxSeconds: 560 },
  bootstrap: "peter-kafka01:9092,peter-kafka02:9092,peter-kafka03:9092",
};
/** Without a majority that serves: while nothing is elected, no more than it takes to ask. */
const MAX_ASKING_MS = 1500;
const MAX_ELECTION_MS = 5000;

// Two ups, one of them killed, under load.
vi.setConfig({ testTimeout: 600_000 });

const BROKERS = [1, 2, 3].map((ordinal) => hostName("kafka", ordinal));
const nodes = (count: number, first = 1) =>
  Array.from({ length: count }, (_, index) => hostName("zookeeper", first + index));

const lab = useLab("ensemble", () => lab.up());

async function hostsOf(names: string[]): Promise<Host[]> {
  const hosts = await lab.hosts();
  return names.map((name) => hostOf(hosts, name));
}

/** When a service was started on each host, by systemd's own log: seconds, one entry a start. */
async function startsOf(names: string[], service: string): Promise<Record<string, number[]>> {
  const command = `sudo journalctl -q -u ${service} --grep '^Started ' -o short-unix`;
  const logs = await onAll(await hostsOf(names), command);
  return Object.fromEntries(
    Object.entries(logs).map(([name, log]) => [name, log.split("\n").map(parseFloat)]),
  );
}

const nodeStarts = (count: number) => startsOf(nodes(count), "zookeeper-server");
const brokerStarts = () => startsOf(BROKERS, "kafka-server");

/** What was started since, in order. */
function since(before: Record<string, number[]>, after: Record<string, number[]>): string[] {
  return Object.entries(after)
    .flatMap(([name, times]) =>
      times.slice(before[name]?.length).map((time): [number, string] => [time, name]),
    )
    .sort(([one], [other]) => one - other)
    .map(([, name]) => name);
}

const leaderLast = (names: string[], leader: string) => [
  ...[...names].reverse().filter((name) => name !== leader),
  leader,
];

async function controller(): Promise<string> {
  const [broker] = await hostsOf(BROKERS);
  const seen = (await broker?.run("kcat -L -b localhost:9092")) ?? "";
  return /at (peter-kafka\d+)\S* \(controller\)$/m.exec(seen)?.[1] ?? seen;
}

const ask = (word: string) =>
  `bash -c 'exec 3<>/dev/tcp/localhost/2181; echo ${word} >&3; cat <&3'`;

/** The leader, and the epoch, which every election begins anew. */
async function leadership(count: number): Promise<{ leader: string; epoch: number }> {
  const answers = await onAll(await hostsOf(nodes(count)), ask("srvr"));
  const leader = Object.keys(answers).find((name) => answers[name]?.includes("Mode: leader"));
  const zxid = /^Zxid: (0x[0-9a-f]+)$/m.exec(answers[leader ?? ""] ?? "")?.[1];
  if (leader === undefined || zxid === undefined) {
    throw new Error(`no leader; the nodes say ${JSON.stringify(answers)}`);
  }
  return { leader, epoch: Number(BigInt(zxid) >> 32n) };
}

/** What each node takes for the members, now and at its next start. */
async function expectMembers(count: number): Promise<void> {
  const inForce = `${ask("conf")} | sed -n 's/^server\\.[0-9]*=\\([^:]*\\).*/\\1/p'`;
  const onDisk =
    "sudo sh -c 'cat $(sed -n s/^dynamicConfigFile=//p /data/zk/zoo.cfg)' | sed -n 's/^server\\.[0-9]*=\\([^:]*\\).*/\\1/p'";
  const seen = await onAll(await hostsOf(nodes(count)), `${inForce}; ${onDisk}`);
  const wanted = [...nodes(count), ...nodes(count)].join("\n");
  expect(seen).toEqual(same(nodes(count), wanted));
}

/** Asks the three nodes that stay, again and again, whether a majority serves; from a broker. */
class Watch {
  private constructor(private readonly session: Session) {}

  static async start(): Promise<Watch> {
    const [broker] = await hostsOf(["peter-kafka02"]);
    if (broker === undefined) {
      throw new Error("no host peter-kafka02");
    }
    // A node that is not one of a majority answers without a mode.
    const script = `
serves() { exec 3<>"/dev/tcp/$1/2181" && printf srvr >&3 && grep -q '^Mode: ' <&3 && date +%s%3N; }
while read -r -t 0.05 || (($? > 128)); do
  for node in ${nodes(3).join(" ")}; do (serves "$node") 2>/dev/null & done
  wait
done`;
    const session = Session.on(broker, "the watch", script);
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

/** What a change of the lab under load has cost. Nothing may be lost by it. */
async function underLoad(
  topic: string,
  change: () => Promise<unknown>,
): Promise<{ unservedMs: number }> {
  const [broker] = await hostsOf(BROKERS);
  if (broker === undefined) {
    throw new Error("no broker");
  }
  const [load, watch] = [await Load.start(broker, { ...LOAD, topic }), await Watch.start()];
  await change();
  const unservedMs = await watch.stop();
  const report = await load.stop();
  expect(report).toMatchObject({ failed: 0, lost: 0, duplicated: 0, outOfOrder: 0 });
  expect(report.acknowledged).toBeGreaterThan(LOAD.perSecond);
  process.stderr.write(
    `acknowledged ${report.acknowledged}, longest pause of a partition ${report.longestPartitionPauseMs} ms, without ZooKeeper ${unservedMs} ms\n`,
  );
  return { unservedMs };
}

const FIVE: Settings = { zookeeperNodes: 5 };

async function nothingToDo(): Promise<void> {
  const { status, output } = await lab.run("preview", "--expect-no-changes");
  expect(status, output).toBe(0);
}

test("from three to five: no node restarts, nothing is elected, brokers roll", async () => {
  const [zookeepers, brokers] = [await nodeStarts(3), await brokerStarts()];
  const [before, last] = [await leadership(3), await controller()];
  lab.configure(FIVE);
  const { unservedMs } = await underLoad("grow", () => lab.up());
  await expectMembers(5);
  expect(since(zookeepers, await nodeStarts(5))).toEqual([
    expect.stringMatching(/zk0[45]/),
    expect.stringMatching(/zk0[45]/),
  ]);
  expect(await leadership(5)).toEqual(before);
  expect(unservedMs).toBeLessThan(MAX_ASKING_MS);
  expect(since(brokers, await brokerStarts())).toEqual(leaderLast(BROKERS, last));
  const connect = nodes(5).map((name) => `${name}.foo.bar:2181`);
  expect(
    await onAll(
      await hostsOf(BROKERS),
      "sed -n 's/^zookeeper.connect=//p' /usr/local/kafka/config/server.properties",
    ),
  ).toEqual(same(BROKERS, connect.join()));
  await nothingToDo();
});

test("a changed key restarts each of the five once, and the members stay", async () => {
  const [before, { leader }] = [await nodeStarts(5), await leadership(5)];
  lab.configure({ ...FIVE, zookeeperConfig: { snapCount: 50_000 } });
  await lab.up();
  expect(since(before, await nodeStarts(5))).toEqual(leaderLast(nodes(5), leader));
  await expectMembers(5);
  const file = "sudo grep -c '^snapCount=50000$' /data/zk/zoo.cfg";
  expect(await onAll(await hostsOf(nodes(5)), file)).toEqual(same(nodes(5), "1"));
});

test("nobody but the host's own root changes the members", async () => {
  const [first, other] = await hostsOf(["peter-zk01", "peter-zk02"]);
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
  await expectMembers(5);
});

test("from five to three, the leader too, and killed in the middle", async () => {
  await leadOneThatGoes();
  const [zookeepers, brokers, before] = [
    await nodeStarts(3),
    await brokerStarts(),
    await leadership(5),
  ];
  lab.configure({ zookeeperConfig: { snapCount: 50_000 } });
  const { unservedMs } = await underLoad("shrink", async () => {
    await killUpAt(/reconfig -remove \d/);
    await lab.up();
  });
  await expectMembers(3);
  expect([...(await lab.hosts()).keys()].sort()).toEqual([...BROKERS, ...nodes(3)].sort());
  expect(await nodeStarts(3)).toEqual(zookeepers);
  // One election: the leader was the last to go.
  expect((await leadership(3)).epoch).toBe(before.epoch + 1);
  expect(unservedMs).toBeLessThan(MAX_ELECTION_MS);
  expect(since(brokers, await brokerStarts()).sort()).toEqual(BROKERS);
  await nothingToDo();
});

test("a node whose data are lost joins the others again", async () => {
  const before = await nodeStarts(3);
  await lab.up("--replace", "**zookeeper-2-volume");
  await expectMembers(3);
  const after = await nodeStarts(3);
  expect([after["peter-zk01"], after["peter-zk03"]]).toEqual([
    before["peter-zk01"],
    before["peter-zk03"],
  ]);
  const [node] = await hostsOf(["peter-zk02"]);
  expect(await node?.run(ask("srvr"))).toMatch(/^Mode: (leader|follower)$/m);
});

test("destroy needs nothing by hand", async () => {
  await lab.destroy();
});

/** Has the ensemble led by the fourth or the fifth node. */
async function leadOneThatGoes(): Promise<void> {
  await waitFor("the ensemble", "led by a node that is to go", 120, async () => {
    const { leader } = await leadership(5);
    if (nodes(2, 4).includes(leader)) {
      return {};
    }
    const [host] = await hostsOf([leader]);
    await host?.run("sudo systemctl restart zookeeper-server");
    await waitFor("the ensemble", "of five again", 60, async () => {
      const modes = await onAll(await hostsOf(nodes(5)), `${ask("srvr")} | grep ^Mode || true`);
      return Object.values(modes).includes("") ? JSON.stringify(modes) : {};
    });
    return `leader ${leader}`;
  });
}

/** Starts `up`, and kills Pulumi once it has printed this. */
async function killUpAt(printed: RegExp): Promise<void> {
  const running = lab.start("up");
  await waitFor("up", `so far that it prints ${printed}`, 300, () =>
    printed.test(running.output()) ? {} : lastLine(running.output()),
  );
  killPulumi(running.pid);
  const { status } = await running.ended;
  expect(status, running.output()).not.toBe(0);
}
