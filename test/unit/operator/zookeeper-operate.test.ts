import { beforeEach, describe, expect, test, vi } from "vitest";
import { NoReply, RemoteError, type RemoteHost } from "../../../operator/host";
import { noteOf } from "../../../operator/service/files";
import type { ZooKeeperWish } from "../../../operator/wish";
import { planZooKeeper, runZooKeeper } from "../../../operator/zookeeper/operate";

vi.mock("../../../operator/progress", () => ({ report: (line: string) => progress.push(line) }));

const progress: string[] = [];
const BAD = "bad=1";

interface FakeNode {
  id: number;
  config: string | undefined;
  running: string | undefined;
  hasMembers: boolean;
  /** Paths of the files that hold secrets. */
  secrets: Set<string>;
}

/** An ensemble in memory: nodes whose configuration is `BAD` end over and over. */
class FakeEnsemble {
  readonly nodes = new Map<number, FakeNode>();
  /** What was done to hosts, in order. */
  readonly done: string[] = [];
  leader: number;

  constructor(
    ids: number[],
    public members: number[],
    config: string,
    leader = members.at(-1) ?? 0,
  ) {
    this.leader = leader;
    for (const id of ids) {
      const isMember = members.includes(id);
      const known = isMember ? config : undefined;
      const secrets = new Set<string>();
      this.nodes.set(id, { id, config: known, running: known, hasMembers: isMember, secrets });
    }
  }

  node(id: number): FakeNode {
    const node = this.nodes.get(id);
    if (node === undefined) {
      throw new Error(`no node ${id}`);
    }
    return node;
  }

  get hosts(): Map<string, RemoteHost> {
    return new Map([...this.nodes.keys()].map((id) => [nameOf(id), this.host(id)]));
  }

  private isUp(id: number): boolean {
    const { running } = this.node(id);
    return running !== undefined && running !== BAD;
  }

  /** A node can only talk to the leader if their security levels are neighbours. */
  private isApart(id: number): boolean {
    const level = (each: number) => this.node(each).running?.match(/=on/g)?.length ?? 0;
    return this.nodes.has(this.leader) && Math.abs(level(id) - level(this.leader)) > 1;
  }

  private serves(id: number): boolean {
    const up = this.members.filter((member) => this.isUp(member)).length;
    return this.isUp(id) && !this.isApart(id) && up > this.members.length / 2;
  }

  private elect(): void {
    if (!this.isUp(this.leader) || !this.members.includes(this.leader)) {
      this.leader = this.members.find((id) => this.isUp(id)) ?? 0;
    }
  }

  private host(id: number): RemoteHost {
    return {
      name: nameOf(id),
      exec: (argv) => Promise.resolve(this.exec(id, argv)),
      script: (files, variables) => Promise.resolve(this.script(id, files.at(-1) ?? "", variables)),
      isOpen: () => Promise.resolve(true),
      ask: (_port, word, _seconds, address) =>
        Promise.resolve(this.answer(address === undefined ? id : Number(address.slice(-2)), word)),
    };
  }

  private answer(id: number, word: string): string {
    if (!this.serves(id)) {
      throw new NoReply("connection refused");
    }
    const voters = this.members.filter((member) => this.isUp(member)).length;
    switch (word) {
      case "srvr":
        return `Mode: ${id === this.leader ? "leader" : "follower"}\n`;
      case "conf":
        return this.members
          .map((member) => `server.${member}=${nameOf(member)}:2888:3888:participant;2181\n`)
          .join("");
      default:
        return id === this.leader
          ? `zk_synced_followers\t${voters - 1}\nzk_quorum_size\t${this.members.length}\n`
          : "";
    }
  }

  private exec(id: number, argv: readonly string[]): string {
    if (argv.includes("restart")) {
      this.done.push(`restart ${id}`);
      this.node(id).running = this.node(id).config;
      this.elect();
    }
    return argv.includes("journalctl") ? "the log\n" : "";
  }

  private script(id: number, file: string, variables: Record<string, string>): string {
    const node = this.node(id);
    switch (file) {
      case "service-state.sh":
        return stateOf(node);
      case "service-write.sh":
        node.config = variables.CONFIG;
        for (const line of variables.SECRETS?.split("\n").filter(Boolean) ?? []) {
          node.secrets.add(line.split(" ")[0] ?? "");
        }
        return "";
      case "service-forget.sh":
        this.done.push(`forget ${id}`);
        node.secrets = new Set([...node.secrets].filter((path) => variables.KEEP?.includes(path)));
        return "";
      case "zookeeper-prepare.sh":
        if (variables.CONFIG === "refused") {
          throw new RemoteError(nameOf(id), "", `${nameOf(id)}: refused`, 1);
        }
        node.hasMembers ||= variables.MEMBERS !== "";
        return node.hasMembers ? "" : "no members\n";
      case "zookeeper-reconfig.sh": {
        const change = variables.CHANGE ?? "";
        this.done.push(change.split("=")[0] ?? "");
        const changed = Number(/\d+/.exec(change)?.[0]);
        this.members = change.startsWith("-add")
          ? [...this.members, changed]
          : this.members.filter((member) => member !== changed);
        this.elect();
        return "Committed new configuration";
      }
      default:
        return "";
    }
  }
}

const nameOf = (id: number) => `peter-zk0${id}`;
const files = (config: string) => ({ release: "zk-1", config, logging: "log", unit: "unit" });

function stateOf({ config, running, secrets }: FakeNode): string {
  const lines = (texts: Record<string, string>) =>
    Object.entries(texts)
      .map(([name, text]) => `${name} ${Buffer.from(text).toString("base64")}\n`)
      .join("");
  const isUp = running !== undefined && running !== BAD;
  const [active, sub] = isUp ? ["active", "running"] : ["activating", "auto-restart"];
  const restarts = isUp ? 0 : 2;
  return lines({
    systemd: `ActiveState=${active}\nSubState=${sub}\nNRestarts=${restarts}\n`,
    ...(config !== undefined && {
      ...{ release: "zk-1", config: `${config}\n`, logging: "log\n", unit: "unit\n" },
    }),
    ...(running !== undefined && { running: noteOf(files(running)) }),
    ...(secrets.size > 0 && { secrets: `${[...secrets].join("\n")}\n` }),
  });
}

function wishFor(count: number, config: string): ZooKeeperWish {
  const ids = Array.from({ length: count }, (_, index) => index + 1);
  return {
    kind: "zookeeper",
    service: {
      ...{ name: "zookeeper-server", user: "zookeeper", link: "/usr/local/zookeeper" },
      ...{ release: "zk-1", data: "/data/zk", configFile: "conf/zoo.cfg" },
      ...{ loggingFile: "conf/logback.xml", logging: "log", volumeGiB: 1 },
    },
    nodes: ids.map((id) => ({
      id,
      host: {
        name: nameOf(id),
        connection: { host: "::1", port: 22, user: "u", privateKey: "k", hostKey: "h" },
      },
    })),
    levels: [{ config, unit: "unit" }],
    level: 0,
  };
}

/** The configuration of a security level, with another setting. */
const secured = (level: number, other = "a=1") =>
  [other, ...["sasl=on", "learner=on", "server=on"].slice(0, level)].join("\n");

/** The file with the secret of every level but 0. */
const SECRET = "/etc/kafkalab/zookeeper-server.secrets/jaas-1.conf";

/** A wish with four security levels. */
function levelWish(count: number, level: number, other = "a=1"): ZooKeeperWish {
  const levels = [0, 1, 2, 3].map((each) => ({
    config: secured(each, other),
    unit: "unit",
    ...(each > 0 && { secrets: { [SECRET]: "password" } }),
  }));
  return { ...wishFor(count, ""), levels, level, isChanging: true };
}

beforeEach(() => {
  progress.length = 0;
});

describe("the operator of ZooKeeper", () => {
  test("changes nothing where all is as it should be", async () => {
    const ensemble = new FakeEnsemble([1, 2, 3], [1, 2, 3], "a=1");
    await runZooKeeper(wishFor(3, "a=1"), ensemble.hosts);
    expect(ensemble.done).toEqual([]);
    expect(progress).toEqual([
      "ZooKeeper: peter-zk01 follower, peter-zk02 follower, peter-zk03 leader",
    ]);
  });

  test("restarts nodes one by one, the leader last", async () => {
    const ensemble = new FakeEnsemble([1, 2, 3], [1, 2, 3], "a=1", 2);
    await runZooKeeper(wishFor(3, "a=2"), ensemble.hosts);
    expect(ensemble.done).toEqual(["restart 3", "restart 1", "restart 2"]);
  });

  test("gives a node that ends twice its former files back, and goes no further", async () => {
    const ensemble = new FakeEnsemble([1, 2, 3], [1, 2, 3], "a=1", 1);
    await expect(runZooKeeper(wishFor(3, BAD), ensemble.hosts)).rejects.toThrow(
      "peter-zk03: zookeeper-server not back with its new configuration: it ended twice. It runs " +
        "with the former one again, and no further node was touched. Correct the settings and run " +
        "up again; the log of the new one: the log",
    );
    expect(ensemble.done).toEqual(["restart 3", "restart 3"]);
    expect([...ensemble.nodes.values()].map(({ running }) => running)).toEqual(same("a=1"));
  });

  test("a corrected setting leads out where a run was killed after a bad restart", async () => {
    const ensemble = new FakeEnsemble([1, 2, 3], [1, 2, 3], "a=1", 1);
    Object.assign(ensemble.node(3), { config: BAD, running: BAD });
    await runZooKeeper(wishFor(3, "a=2"), ensemble.hosts);
    expect(ensemble.done).toEqual(["restart 3", "restart 2", "restart 1"]);
    expect([...ensemble.nodes.values()].map(({ running }) => running)).toEqual(same("a=2"));
  });

  test("starts all nodes at once where none serves", async () => {
    const ensemble = new FakeEnsemble([1, 2, 3], [1, 2, 3], BAD, 1);
    await runZooKeeper(wishFor(3, "a=2"), ensemble.hosts);
    expect(ensemble.done.sort()).toEqual(["restart 1", "restart 2", "restart 3"]);
  });

  test("changes nothing where a node refuses the configuration", async () => {
    const ensemble = new FakeEnsemble([1, 2, 3], [1, 2, 3], "a=1");
    await expect(runZooKeeper(wishFor(3, "refused"), ensemble.hosts)).rejects.toThrow("refused");
    expect(ensemble.done).toEqual([]);
  });

  test("starts new nodes, and makes them members one by one", async () => {
    const ensemble = new FakeEnsemble([1, 2, 3, 4, 5], [1, 2, 3], "a=1");
    await runZooKeeper(wishFor(5, "a=1"), ensemble.hosts);
    expect(ensemble.done.slice(0, 2).sort()).toEqual(["restart 4", "restart 5"]);
    expect(ensemble.done.slice(2)).toEqual(["-add server.4", "-add server.5"]);
  });

  test("removes members that leave, and the leader last", async () => {
    const ensemble = new FakeEnsemble([1, 2, 3, 4, 5], [1, 2, 3, 4, 5], "a=1", 5);
    await runZooKeeper(wishFor(3, "a=1"), ensemble.hosts);
    expect(ensemble.done).toEqual(["-remove 4", "-remove 5"]);
    expect(ensemble.members).toEqual([1, 2, 3]);
  });

  test("removes a member that leaves and is gone before it restarts others", async () => {
    const ensemble = new FakeEnsemble([1, 2, 3, 4, 5], [1, 2, 3, 4, 5], "a=1", 2);
    Object.assign(ensemble.node(5), { config: BAD, running: BAD });
    await runZooKeeper(wishFor(3, "a=2"), ensemble.hosts);
    expect(ensemble.done).toEqual([
      "-remove 5",
      "restart 3",
      "restart 1",
      "restart 2",
      "-remove 4",
    ]);
  });
});

describe("the security level", () => {
  /** An ensemble at a level. The secrets are on all nodes, as after an earlier run. */
  function ensembleAt(level: number, ids = [1, 2, 3], leader = 1): FakeEnsemble {
    const ensemble = new FakeEnsemble(ids, ids, secured(level), leader);
    if (level > 0) {
      ensemble.nodes.forEach(({ secrets }) => secrets.add(SECRET));
    }
    return ensemble;
  }

  const running = (ensemble: FakeEnsemble) =>
    [...ensemble.nodes.values()].map((node) => node.running);
  const STAGE = ["restart 3", "restart 2", "restart 1"];

  test("rises one level at a time, and each is a roll", async () => {
    const ensemble = ensembleAt(0);
    await runZooKeeper(levelWish(3, 3), ensemble.hosts);
    expect(ensemble.done).toHaveLength(9);
    expect(ensemble.done.slice(0, 3)).toEqual(STAGE);
    expect(running(ensemble)).toEqual(same(secured(3)));
    expect([...ensemble.node(1).secrets]).toEqual([SECRET]);
  });

  test("does not rise at once in a lab whose mode does not change", async () => {
    const ensemble = ensembleAt(0);
    const settled = { ...levelWish(3, 3), isChanging: false };
    await expect(runZooKeeper(settled, ensemble.hosts)).rejects.toThrow(
      'setting "kafkalab:security": it must first be {from: plaintext, to: the new mode}',
    );
    await expect(planZooKeeper(settled, ensemble.hosts)).rejects.toThrow("kafkalab:security");
    expect(await planZooKeeper(settled, ensembleAt(3).hosts)).toEqual([]);
  });

  test("falls one level at a time, and then the secrets go", async () => {
    const ensemble = ensembleAt(3);
    await runZooKeeper(levelWish(3, 0), ensemble.hosts);
    expect(ensemble.done).toHaveLength(12);
    expect(ensemble.done.slice(0, 3)).toEqual(STAGE);
    expect(ensemble.done.slice(-3).sort()).toEqual(["forget 1", "forget 2", "forget 3"]);
    expect(running(ensemble)).toEqual(same(secured(0)));
    expect([...ensemble.node(1).secrets]).toEqual([]);
  });

  test("costs another setting one roll", async () => {
    const ensemble = ensembleAt(3);
    await runZooKeeper(levelWish(3, 3, "a=2"), ensemble.hosts);
    expect(ensemble.done).toEqual(STAGE);
    expect(running(ensemble)).toEqual(same(secured(3, "a=2")));
  });

  test("goes on where a run was killed", async () => {
    const ensemble = ensembleAt(0);
    // Killed between the files and the restart of one node, after another one.
    Object.assign(ensemble.node(3), { config: secured(1), running: secured(1) });
    Object.assign(ensemble.node(2), { config: secured(1) });
    await runZooKeeper(levelWish(3, 1), ensemble.hosts);
    expect(ensemble.done).toEqual(["restart 2", "restart 1"]);
    expect(running(ensemble)).toEqual(same(secured(1)));
  });

  test("of a process is known although a killed run wrote other files: nothing restarts", async () => {
    const ensemble = ensembleAt(0);
    Object.assign(ensemble.node(2), { config: secured(1) });
    await runZooKeeper(levelWish(3, 0), ensemble.hosts);
    expect(ensemble.done).toEqual([]);
    expect(ensemble.node(2).config).toBe(secured(0));
  });

  test("a process that may have another level than its files restarts first", async () => {
    const ensemble = ensembleAt(1);
    Object.assign(ensemble.node(2), { running: "an unknown file" });
    await runZooKeeper(levelWish(3, 2), ensemble.hosts);
    expect(ensemble.done).toEqual(["restart 2", ...STAGE]);
  });

  test("of new nodes is that of the others", async () => {
    const ensemble = new FakeEnsemble([1, 2, 3, 4, 5], [1, 2, 3], secured(3), 1);
    await runZooKeeper(levelWish(5, 3), ensemble.hosts);
    expect(ensemble.done.slice(0, 2).sort()).toEqual(["restart 4", "restart 5"]);
    expect(ensemble.done.slice(2)).toEqual(["-add server.4", "-add server.5"]);
  });

  test("of stopped nodes is the wanted one at once", async () => {
    const ensemble = ensembleAt(0);
    ensemble.nodes.forEach((node) => (node.running = undefined));
    await runZooKeeper(levelWish(3, 3), ensemble.hosts);
    expect(ensemble.done.sort()).toEqual(["restart 1", "restart 2", "restart 3"]);
    expect(running(ensemble)).toEqual(same(secured(3)));
  });

  test("changes after members have left, which keep theirs", async () => {
    const ensemble = ensembleAt(0, [1, 2, 3, 4, 5], 5);
    await runZooKeeper(levelWish(3, 2), ensemble.hosts);
    expect(ensemble.done.slice(0, 2)).toEqual(["-remove 4", "-remove 5"]);
    expect(ensemble.done.slice(2)).toHaveLength(6);
    expect(running(ensemble).slice(0, 3)).toEqual(same(secured(2)));
  });

  test("a node that does not come back returns to its former level", async () => {
    const ensemble = ensembleAt(0);
    const wish = levelWish(3, 3);
    wish.levels[1] = { config: BAD, unit: "unit" };
    await expect(runZooKeeper(wish, ensemble.hosts)).rejects.toThrow("It runs with the former one");
    expect(running(ensemble)).toEqual(same(secured(0)));
  });

  test("a preview names each restart and its level", async () => {
    const up = await planZooKeeper(levelWish(3, 2), ensembleAt(0).hosts);
    expect(up).toEqual(
      [1, 2].flatMap((level) =>
        [3, 2, 1].map((id) => `restart node ${id} for security level ${level}`),
      ),
    );
    expect(await planZooKeeper(levelWish(3, 2), ensembleAt(2).hosts)).toEqual([]);
    expect(await planZooKeeper(levelWish(3, 2, "a=2"), ensembleAt(2).hosts)).toEqual([
      ...["restart node 3", "restart node 2", "restart node 1"],
    ]);
  });
});

const same = (text: string) => [text, text, text];
