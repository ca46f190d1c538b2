import { beforeEach, describe, expect, test, vi } from "vitest";
import type { RemoteHost } from "../../../operator/host";
import { KafkaCluster } from "../../../operator/kafka/cluster";
import { restartBroker } from "../../../operator/kafka/restart";
import { noteOf, type ServiceFiles } from "../../../operator/service/files";
import { files, kafkaWish } from "./support";

const said: string[] = [];
vi.mock("../../../operator/progress", () => ({ report: (line: string) => said.push(line) }));

beforeEach(() => {
  said.length = 0;
});

const FORMER = files();
const NEXT = files({ fixed: "2" });

interface Scene {
  /** Whether the broker ends over and over with its new files. */
  isBad?: boolean;
  /** How often ZooKeeper is asked in vain. */
  zooKeeperFails?: number;
}

/** Two brokers in memory; the first one restarts. */
class FakeCluster {
  /** What was done to hosts, in order. */
  readonly done: string[] = [];
  private written: ServiceFiles = FORMER;
  private running: ServiceFiles = FORMER;
  private zooKeeperFails: number;

  constructor(private readonly scene: Scene) {
    this.zooKeeperFails = scene.zooKeeperFails ?? 0;
  }

  get cluster(): KafkaCluster {
    const wish = kafkaWish(2, NEXT, { zookeeper: ["z1:2181", "z2:2181"] });
    return new KafkaCluster(wish, new Map([1, 2].map((id) => [`host${id}`, this.host(id)])));
  }

  async restart(): Promise<string | undefined> {
    const { cluster } = this;
    return restartBroker(cluster, cluster.broker(1), NEXT, FORMER, [1]).then(
      () => undefined,
      ({ message }: Error) => message,
    );
  }

  private get isDown(): boolean {
    return this.scene.isBad === true && noteOf(this.running) === noteOf(NEXT);
  }

  private host(id: number): RemoteHost {
    return {
      name: `host${id}`,
      exec: (argv) => Promise.resolve().then(() => this.exec(id, argv)),
      script: (scripts, variables) => Promise.resolve(this.script(scripts.at(-1), variables)),
      isOpen: () => Promise.resolve(id !== 1 || !this.isDown),
      ask: (port, word, _seconds, address) => {
        this.done.push(`host${id} asks ${address}:${port} ${word}`);
        this.zooKeeperFails -= 1;
        return this.zooKeeperFails >= 0
          ? Promise.reject(new Error("refused"))
          : Promise.resolve("imok");
      },
    };
  }

  private exec(id: number, argv: readonly string[]): string {
    if (argv[0] === "kcat") {
      if (id === 1 && this.isDown) {
        throw new Error("refused");
      }
      const brokers = (this.isDown ? [2] : [1, 2]).map((each) => ({ id: each }));
      return JSON.stringify({ controllerid: 2, brokers, topics: [] });
    }
    if (argv.includes("restart")) {
      this.done.push("restart");
      this.running = this.written;
    }
    return argv.includes("journalctl") ? "the log\n" : "";
  }

  private script(file: string | undefined, variables: Record<string, string>): string {
    if (file === "service-write.sh") {
      this.written = noteOf(NEXT) === variables.NOTE ? NEXT : FORMER;
      this.done.push(this.written === NEXT ? "write the new files" : "write the former files");
      return "";
    }
    const unit = this.isDown
      ? "ActiveState=activating\nSubState=auto-restart\nNRestarts=1\n"
      : "ActiveState=active\nSubState=running\nNRestarts=0\n";
    return `systemd ${Buffer.from(unit).toString("base64")}\n`;
  }
}

describe("restartBroker", () => {
  const ASKED = ["host1 asks z1:2181 ruok", "host1 asks z2:2181 ruok"];

  test("asks every ZooKeeper from the broker's host, writes the files and restarts it", async () => {
    const fake = new FakeCluster({});
    expect(await fake.restart()).toBeUndefined();
    expect(fake.done).toEqual([...ASKED, "write the new files", "restart"]);
    expect(said).toEqual(["host1: kafka-server restarted"]);
  });

  test("waits until every ZooKeeper answers", async () => {
    const fake = new FakeCluster({ zooKeeperFails: 2 });
    expect(await fake.restart()).toBeUndefined();
    const [first = ""] = ASKED;
    expect(fake.done).toEqual([first, first, ...ASKED, "write the new files", "restart"]);
  });

  test("gives a broker that ends twice its former files back, and says why", async () => {
    const fake = new FakeCluster({ isBad: true });
    expect(await fake.restart()).toBe(
      "host1: kafka-server not back with its new configuration: it ended twice. It runs with the " +
        "former one again, and no further node was touched. Correct the settings and run up again; " +
        "the log of the new one: the log",
    );
    expect(fake.done.slice(ASKED.length)).toEqual([
      ...["write the new files", "restart"],
      ...["write the former files", "restart"],
    ]);
  });
});
