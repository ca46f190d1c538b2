import { rmSync } from "node:fs";
import { stopInstance } from "../../local-cloud/machine/instance";
import { brokerId, type DrillLab, type LabHost } from "./lab";
import type { Scene } from "./scene";
import * as scripts from "./scripts";
import type { Session } from "./session";
import { pause, waitFor } from "./wait";

/** Something that breaks, and is whole again. */
export interface Drill {
  name: string;
  /** What happens. */
  what: string;
  /** Why it works on the local target only, if it does. */
  localOnly?: string;
  /** It runs `npm run up`, which must not apply settings that nobody has asked for yet. */
  runsUp?: true;
  /** Breaks something and, unless that mends itself, mends it. */
  run(scene: Scene): Promise<void>;
}

const OUTAGE_SECONDS = 10;
const START_SECONDS = 60;
const BOOT_SECONDS = 120;
const UP_SECONDS = 420;
/** Longer than a broker's session with ZooKeeper, by default 18 s. */
const ELECTION_SECONDS = 90;
const CLOCK_JUMP_SECONDS = 3600;
/** How long libfaketime goes on with what it has read. */
const CLOCK_SECONDS = 2;
/** A key that brokers read when they start, and a value that is as good as the default. */
const ROLLING = { key: "queued.max.requests", value: "501" };

export const DRILLS: Drill[] = [
  {
    name: "kill-broker",
    what: "kill -9 a broker; systemd starts it again",
    async run(scene) {
      scene.fault();
      await kill(scene.victim, "kafka-server");
    },
  },
  {
    name: "power-off",
    what: "power off a broker's host, without a shutdown, and start it with npm run up",
    localOnly: "it ends the processes of a host on this machine",
    runsUp: true,
    run: powerOff,
  },
  {
    name: "kill-zookeeper-leader",
    what: "kill -9 the leader of ZooKeeper; another one is elected",
    async run(scene) {
      const leader = await scene.lab.zookeeperLeader();
      scene.fault();
      await kill(leader, "zookeeper-server");
      scene.observed["killed"] = leader.name;
    },
  },
  {
    name: "zookeeper-majority",
    what: `kill -9 all but one ZooKeeper, and bring them back after ${OUTAGE_SECONDS} s`,
    run: zookeeperMajority,
  },
  {
    name: "partition",
    what: "cut a broker off from all other hosts, until the others have new leaders",
    localOnly: "it works in the network of a host on this machine",
    run: partition,
  },
  {
    name: "disk-full",
    what: "fill a broker's disk, until Kafka gives its log directory up",
    run: diskFull,
  },
  {
    name: "clock-jump",
    what: `have a broker's clock jump ${CLOCK_JUMP_SECONDS} s ahead, and back after ${OUTAGE_SECONDS} s`,
    run: clockJump,
  },
  {
    name: "restart-all",
    what: "restart all hosts at once",
    run: restartAll,
  },
  {
    name: "kill-pulumi",
    what: "kill -9 Pulumi in the middle of a rolling restart, and run npm run up again",
    runsUp: true,
    run: killPulumi,
  },
  {
    name: "wrong-cluster-id",
    what: "damage the cluster id on a broker's disk; a rolling restart stops before it",
    runsUp: true,
    run: wrongClusterId,
  },
];

async function powerOff(scene: Scene): Promise<void> {
  const { lab, victim } = scene;
  const id = lab.instanceId(victim);
  let on = false;
  scene.atEnd(async () => {
    if (!on) {
      await done(lab.up());
      await lab.findHosts();
    }
  });
  scene.fault();
  await stopInstance(id, true);
  await done(scene.up());
  await lab.findHosts();
  on = true;
}

async function zookeeperMajority(scene: Scene): Promise<void> {
  const { lab, load } = scene;
  const killed = lab.zookeepers.slice(1);
  scene.fault();
  const held = killed.map((host) =>
    host.hold("ZooKeeper killed", scripts.keepDown("zookeeper-server")),
  );
  await Promise.all(held.map((session) => scene.hold(session, START_SECONDS)));
  const before = load.acknowledged;
  await pause(OUTAGE_SECONDS);
  scene.observed["acknowledgedWithoutZooKeeper"] = load.acknowledged - before;
  await Promise.all(held.map((session) => scene.release(session)));
}

async function partition(scene: Scene): Promise<void> {
  const { lab, load, victim } = scene;
  const id = brokerId(victim);
  const led = await lab.ledBy(victim, load.topic);
  const others = lab.hosts.filter((host) => host !== victim);
  scene.fault();
  const cut = lab.holdInNetwork(
    victim,
    "the network cut",
    scripts.cutOff(others.map(({ privateIp }) => privateIp)),
  );
  await scene.hold(cut, START_SECONDS);
  const since = Date.now();
  // It takes itself for the leader for as long as nobody tells it otherwise.
  const refused = victim.run(scripts.produceOne(victim.name, load.topic, led)).then(
    () => false,
    () => true,
  );
  const beyond = lab.brokers.filter((host) => host !== victim).map(({ name }) => `${name}:9092`);
  await waitFor(`broker ${id}`, "given up by the others", ELECTION_SECONDS, async () => {
    const seen = await scene.loadHost.run(`kcat -L -b ${beyond.join(",")}`);
    return !seen.includes(`broker ${id} at `) || "it is still registered";
  });
  scene.observed["secondsUntilGivenUp"] = seconds(since);
  scene.observed["writeToTheOneCutOffRefused"] = await refused;
  await scene.release(cut);
}

async function diskFull(scene: Scene): Promise<void> {
  const { victim } = scene;
  const before = await restarts(victim);
  const full = victim.hold("the disk filled", scripts.fillDisk());
  scene.fault();
  await scene.hold(full, START_SECONDS);
  const since = Date.now();
  await waitFor(
    `the broker on ${victim.name}`,
    "ended by its full disk",
    ELECTION_SECONDS,
    async () => (await restarts(victim)) > before || "it runs on",
  );
  scene.observed["secondsUntilBrokerEnded"] = seconds(since);
  await scene.release(full);
}

async function clockJump(scene: Scene): Promise<void> {
  const { lab, load, loadHost, victim } = scene;
  const clock = victim.hold("the clock", scripts.ownClock());
  await scene.hold(clock, BOOT_SECONDS);
  await lab.whole();
  const topic = `${load.topic}-clock`;
  const replicas = [victim, ...lab.brokers.filter((host) => host !== victim)].map(brokerId);
  scene.atEnd(() => loadHost.run(scripts.deleteTopic(lab.bootstrap, topic)));
  await loadHost.run(scripts.makeClockTopic(lab.bootstrap, topic, replicas));
  const ahead = async () =>
    Math.round(Number(await loadHost.run(scripts.readClock(lab.bootstrap, topic))) / 1000);
  const before = load.acknowledged;
  scene.fault();
  await victim.asRoot(scripts.setClock(CLOCK_JUMP_SECONDS));
  await pause(CLOCK_SECONDS);
  scene.observed["secondsAhead"] = await ahead();
  await pause(OUTAGE_SECONDS);
  await victim.asRoot(scripts.setClock(0));
  await pause(CLOCK_SECONDS);
  scene.observed["secondsAheadAfterwards"] = await ahead();
  scene.observed["acknowledgedMeanwhile"] = load.acknowledged - before;
}

async function restartAll(scene: Scene): Promise<void> {
  const { lab, load } = scene;
  const boots = () => Promise.all(lab.hosts.map((host) => host.run(scripts.BOOT_ID)));
  const before = await boots();
  scene.fault();
  // The connection may end before the command does.
  await Promise.all(lab.hosts.map((host) => host.run("sudo -n systemctl reboot").catch(() => "")));
  await waitFor("the hosts", "booted again", BOOT_SECONDS, async () => {
    const left = (await boots()).filter((id, index) => id === before[index]);
    return left.length === 0 || `${left.length} that had not gone down`;
  });
  await scene.whole();
  await load.resume();
}

async function killPulumi(scene: Scene): Promise<void> {
  const { lab } = scene;
  const file = await settingsThatRoll(scene);
  const before = await lab.starts();
  const killed = scene.up(file);
  await waitFor("the roll", "at its second broker", UP_SECONDS, () => {
    const turns = killed.lines.filter((line) => /kafka-\d+-configure updating/.test(line));
    return turns.length >= 2 || killed.lastSeen();
  });
  scene.fault();
  killed.drop();
  await killed.ended;
  await done(scene.up(file));
  const after = await lab.starts();
  scene.observed["restarts"] = Object.fromEntries(
    Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)]),
  );
}

async function wrongClusterId(scene: Scene): Promise<void> {
  const { lab, victim } = scene;
  const file = await settingsThatRoll(scene);
  const before = await restartCount(lab);
  const damaged = victim.hold("the cluster id damaged", scripts.damageClusterId());
  scene.fault();
  await scene.hold(damaged, START_SECONDS);
  const up = scene.up(file);
  const status = await up.ended;
  const caught = /\S+: \S+meta\.properties: cluster\.id must be .*/.exec(up.lines.join("\n"))?.[0];
  const [, repair] = /write the line (cluster\.id=\S+) into it/.exec(caught ?? "") ?? [];
  if (status === 0 || caught === undefined || repair === undefined) {
    throw new Error(`the damage was to be caught; up ended with ${status}: ${up.lastSeen()}`);
  }
  scene.observed["caught"] = caught;
  scene.observed["brokersRestarted"] = (await restartCount(lab)) - before;
  await victim.asRoot(scripts.writeClusterId(repair));
  await scene.release(damaged);
}

/** Makes settings with which every broker must restart. At the end the former ones are put back. */
async function settingsThatRoll(scene: Scene): Promise<string> {
  const { directory, file } = await scene.lab.settingsWith(ROLLING.key, ROLLING.value);
  scene.atEnd(async () => {
    rmSync(directory, { recursive: true, force: true });
    await done(scene.lab.up());
  });
  return file;
}

async function restartCount(lab: DrillLab): Promise<number> {
  return Object.values(await lab.starts()).reduce((sum, count) => sum + count, 0);
}

/** As SIGKILL to the service's processes; systemd is not told. */
async function kill(host: LabHost, service: string): Promise<void> {
  await host.asRoot(`systemctl kill -s KILL ${service}`);
}

async function done(up: Session): Promise<void> {
  const status = await up.ended;
  if (status !== 0) {
    throw new Error(`up ended with ${status}: ${up.lastSeen()}`);
  }
}

/** How often systemd has started the broker again by itself. */
async function restarts(host: LabHost): Promise<number> {
  return Number(await host.run("systemctl show -P NRestarts kafka-server"));
}

function seconds(since: number): number {
  return Math.round((Date.now() - since) / 100) / 10;
}
