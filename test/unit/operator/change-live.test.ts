import { beforeEach, describe, expect, test, vi } from "vitest";
import { RemoteError, type RemoteHost, type RunOptions } from "../../../operator/host";
import { changeLive, noteLive, settleLive } from "../../../operator/kafka/change-live";
import { type ClusterLook, KafkaCluster } from "../../../operator/kafka/cluster";
import { LIVE_NOTE } from "../../../operator/kafka/live";
import { type NodeState, readNodeState } from "../../../operator/service/node";
import { files, kafkaWish, LIVE } from "./support";

const said: string[] = [];
vi.mock("../../../operator/progress", () => ({ report: (line: string) => said.push(line) }));

beforeEach(() => {
  said.length = 0;
});

const WANTED = files({ live: "2" });

interface Scene {
  /** Brokers that do not tell their configuration. */
  mute?: number[];
  /** Brokers that refuse every change. */
  refuse?: number[];
  /** What each broker was told live, and what it was started with. */
  told?: string;
  started?: string;
}

/** Three brokers that take notes of what is done to them. */
class Fake {
  readonly done: string[] = [];
  readonly cluster: KafkaCluster;

  constructor(private readonly scene: Scene) {
    const wish = kafkaWish(3, WANTED, { liveKeys: [LIVE] });
    this.cluster = new KafkaCluster(
      wish,
      new Map([1, 2, 3].map((id) => [`host${id}`, this.host(`host${id}`)])),
    );
  }

  /** A look at hosts with these notes. */
  look(notes: Record<number, string>): ClusterLook {
    const stateOf = (id: number): NodeState => {
      const lines = {
        systemd: "ActiveState=active\nSubState=running\nNRestarts=0\n",
        ...(notes[id] !== undefined && { [LIVE_NOTE]: `${notes[id]}\n` }),
      };
      const text = Object.entries(lines).map(
        ([name, value]) => `${name} ${Buffer.from(value).toString("base64")}\n`,
      );
      return readNodeState(text.join(""));
    };
    return {
      ...{ brokers: [], metadata: undefined },
      states: new Map([1, 2, 3].map((id) => [id, stateOf(id)])),
    };
  }

  private host(name: string): RemoteHost {
    return {
      name,
      exec: (argv, options) => Promise.resolve().then(() => this.exec(argv, options)),
      script: (scripts, { FILE, TEXT }) => {
        this.done.push(FILE === undefined ? `${name} ${scripts.at(-1)}` : `${name} note "${TEXT}"`);
        return Promise.resolve("");
      },
      isOpen: () => Promise.resolve(true),
      ask: () => Promise.reject(new Error("no question is expected")),
    };
  }

  private exec(argv: readonly string[], options?: RunOptions): string {
    if (argv[0] === "kcat") {
      const brokers = [1, 2, 3].map((id) => ({ id }));
      return JSON.stringify({ controllerid: 1, brokers, topics: [] });
    }
    const at = argv.indexOf("--entity-name");
    const id = at < 0 ? undefined : Number(argv[at + 1]);
    const { mute = [], refuse = [] } = this.scene;
    if (argv.includes("--describe")) {
      const ids = id === undefined ? [1, 2, 3] : [id];
      if (ids.some((each) => mute.includes(each))) {
        throw new RemoteError("host1", "", "Error while executing config command : mute", 1);
      }
      return ids.map((each) => this.describe(each)).join("");
    }
    if (argv.includes("--alter")) {
      if (id !== undefined && refuse.includes(id)) {
        throw new RemoteError("host1", "", "Error while executing config command : no", 1);
      }
      const change = argv.includes("--delete-config") ? "take back" : (options?.input ?? "").trim();
      this.done.push(`tell ${id}: ${change}`);
    }
    return "";
  }

  private describe(id: number): string {
    const { told, started = "1" } = this.scene;
    const all = [
      ...(told === undefined ? [] : [`DYNAMIC_BROKER_CONFIG:${LIVE}=${told}`]),
      `STATIC_BROKER_CONFIG:${LIVE}=${started}`,
    ];
    const value = told ?? started;
    return (
      `All configs for broker ${id} are:\n` +
      `  ${LIVE}=${value} sensitive=false synonyms={${all.join(", ")}}\n`
    );
  }
}

const changes = [3, 2, 1].map((broker) => ({ broker, files: WANTED, keys: [LIVE] }));

describe("a live change", () => {
  test("is tried on one broker, then told to the others, whose files follow", async () => {
    const fake = new Fake({});
    expect(await changeLive(fake.cluster, fake.look({}), changes)).toEqual([]);
    expect(fake.done.slice(0, 4)).toEqual([
      `host3 note "${LIVE}"`,
      `tell 3: ${LIVE}=2`,
      "host3 service-write.sh",
      'host3 note ""',
    ]);
    expect(fake.done.filter((each) => each.startsWith("tell"))).toHaveLength(3);
    expect(fake.done.filter((each) => each.endsWith("service-write.sh"))).toHaveLength(3);
  });

  test("that the first refuses is told to no other", async () => {
    const fake = new Fake({ refuse: [3] });
    expect(await changeLive(fake.cluster, fake.look({}), changes)).toEqual([3]);
    expect(fake.done).toEqual([`host3 note "${LIVE}"`]);
    expect(said).toEqual([`host3: ${LIVE} not changed while kafka-server runs: no`]);
  });

  test("that a later one refuses holds for the others", async () => {
    const fake = new Fake({ refuse: [2] });
    expect(await changeLive(fake.cluster, fake.look({}), changes)).toEqual([2]);
    expect(fake.done.filter((each) => each.startsWith("tell")).sort()).toEqual([
      `tell 1: ${LIVE}=2`,
      `tell 3: ${LIVE}=2`,
    ]);
  });

  test("leaves out a broker that does not tell its configuration", async () => {
    const fake = new Fake({ mute: [1] });
    expect(await changeLive(fake.cluster, fake.look({}), changes)).toEqual([1]);
    expect(said).toContain(
      `host1: ${LIVE} not changed while kafka-server runs: the broker does not tell its configuration`,
    );
  });
});

describe("what brokers were told live", () => {
  test("is noted before a restart, with what was noted earlier", async () => {
    const fake = new Fake({});
    await noteLive(fake.look({ 2: "a.key" }), fake.cluster.broker(2), [LIVE]);
    await noteLive(fake.look({}), fake.cluster.broker(3), []);
    expect(fake.done).toEqual([`host2 note "a.key ${LIVE}"`]);
  });

  test("is taken back after a restart with the file that holds it", async () => {
    const fake = new Fake({ told: "1", started: "2" });
    await settleLive(fake.cluster, fake.look({ 2: LIVE }));
    expect(fake.done).toEqual(["tell 2: take back", 'host2 note ""']);
  });

  test("stays as wanted while the process has another value", async () => {
    const fake = new Fake({ told: "2", started: "1" });
    await settleLive(fake.cluster, fake.look({ 2: LIVE }));
    expect(fake.done).toEqual(['host2 note ""']);
  });

  test("costs nothing where nothing is noted", async () => {
    const fake = new Fake({ mute: [1, 2, 3] });
    await settleLive(fake.cluster, fake.look({}));
    expect(fake.done).toEqual([]);
  });

  test("keeps its note if the broker does not let go of it", async () => {
    const fake = new Fake({ told: "1", started: "2", refuse: [2] });
    await expect(settleLive(fake.cluster, fake.look({ 2: LIVE }))).rejects.toThrow(
      `host2: ${LIVE}: the broker keeps what it was told while it ran: no. Run up again`,
    );
    expect(fake.done).toEqual([]);
  });
});
