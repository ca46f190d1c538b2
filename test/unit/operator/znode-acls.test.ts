import { beforeEach, describe, expect, test, vi } from "vitest";
import { RemoteError, type RemoteHost } from "../../../operator/host";
import { KafkaCluster } from "../../../operator/kafka/cluster";
import {
  ensureZnodeAcls,
  needsZnodeAcls,
  readZnodeAcls,
  type ZnodeAcls,
} from "../../../operator/kafka/znode-acls";
import { files, kafkaWish } from "./support";

const said: string[] = [];
vi.mock("../../../operator/progress", () => ({ report: (line: string) => said.push(line) }));

beforeEach(() => {
  said.length = 0;
});

const OPEN = "'world,'anyone\n: cdrwa\n";
const OWNED = "'sasl,'kafka\n: cdrwa\n'world,'anyone\n: r\n";
const EVENT = "\nWATCHER::\n\nWatchedEvent state:SyncConnected type:None path:null\n";
const HEAD = "Connecting to z1:2181\nWelcome to ZooKeeper!\nJLine support is disabled\n";

describe("readZnodeAcls", () => {
  test.each<[string, string, ZnodeAcls[]]>([
    ["open znodes", OPEN + OPEN, ["unsecure", "unsecure"]],
    ["owned znodes", OWNED + OWNED, ["secure", "secure"]],
    ["both, with an event between", OWNED + EVENT + OPEN, ["secure", "unsecure"]],
    ["an event inside a list", OWNED.replace("'world", `${EVENT}'world`), ["secure"]],
    ["no answer", "KeeperErrorCode = ConnectionLoss for /\n", []],
  ])("%s", (_, answer, expected) => {
    expect(readZnodeAcls(HEAD + EVENT + answer)).toEqual(expected);
  });
});

/** The host of the first broker, and the znodes. */
class FakeHost {
  /** What was done, in order. */
  readonly done: string[] = [];
  note = "";
  isToolBroken = false;

  constructor(public znodes: string) {}

  get cluster(): KafkaCluster {
    const wish = kafkaWish(1, files(), { zookeeper: ["z1:2181", "z2:2181"] });
    return new KafkaCluster(wish, new Map([["host1", this.host]]));
  }

  private get host(): RemoteHost {
    return {
      name: "host1",
      exec: (argv, options) => Promise.resolve().then(() => this.exec(argv, options?.input ?? "")),
      script: (_, variables) => {
        this.note = variables.TEXT ?? "";
        this.done.push(`note ${JSON.stringify(this.note)}`);
        return Promise.resolve("");
      },
      isOpen: () => Promise.resolve(true),
      ask: () => Promise.resolve(""),
    };
  }

  private exec(argv: readonly string[], input: string): string {
    if (argv.includes("sh")) {
      return this.note;
    }
    if (argv.some((word) => word.endsWith("zookeeper-shell.sh"))) {
      expect([argv.at(-1), input.split("\n").length]).toEqual(["z1:2181,z2:2181", 4]);
      return HEAD + this.znodes;
    }
    this.done.push(argv.filter((word) => !/JVM|LOG_DIR/.test(word)).join(" "));
    if (this.isToolBroken) {
      throw new RemoteError("host1", "", "org.apache.zookeeper.X: AuthFailed\n\tat y\n", 1);
    }
    this.znodes = (argv.includes("--zookeeper.acl=secure") ? OWNED : OPEN).repeat(3);
    return "";
  }
}

describe("ensureZnodeAcls", () => {
  const tool = (wanted: ZnodeAcls) =>
    "sudo -n runuser -u kafka -- env KAFKA_OPTS=-Djava.security.auth.login.config=/jaas " +
    "/usr/local/kafka/bin/kafka-run-class.sh kafka.admin.ZkSecurityMigrator " +
    `--zookeeper.acl=${wanted} --zookeeper.connect=z1:2181,z2:2181`;

  test.each<[ZnodeAcls, string]>([
    ["secure", OPEN],
    ["unsecure", OWNED],
  ])(
    "makes znodes %s with Kafka's tool, and notes that it is under way",
    async (wanted, before) => {
      const fake = new FakeHost(before.repeat(3));
      await ensureZnodeAcls(fake.cluster, wanted, "/jaas");
      expect(fake.done).toEqual([`note "${wanted}"`, tool(wanted), 'note ""']);
      expect(said).toEqual([`Kafka: the access control lists of all znodes become ${wanted}`]);
      fake.done.length = 0;
      await ensureZnodeAcls(fake.cluster, wanted, "/jaas");
      expect(fake.done).toEqual([]);
    },
  );

  test("goes on where a run was killed, although the sample is as wanted", async () => {
    const fake = new FakeHost(OWNED.repeat(3));
    fake.note = "secure";
    await ensureZnodeAcls(fake.cluster, "secure", "/jaas");
    expect(fake.done).toContain(tool("secure"));
  });

  test("notices a part that is not as wanted", async () => {
    expect(await needsZnodeAcls(new FakeHost(OWNED + OWNED + OPEN).cluster, "secure")).toBe(true);
    expect(await needsZnodeAcls(new FakeHost(OPEN + OPEN + OWNED).cluster, "unsecure")).toBe(true);
  });

  test("says why the tool has failed, and tries again in the next run", async () => {
    const fake = new FakeHost(OPEN.repeat(3));
    fake.isToolBroken = true;
    await expect(ensureZnodeAcls(fake.cluster, "secure", "/jaas")).rejects.toThrow(
      "zookeeper-security-migration.sh has failed with org.apache.zookeeper.X: AuthFailed",
    );
    expect(await needsZnodeAcls(fake.cluster, "secure")).toBe(true);
  });

  test("decides nothing if ZooKeeper does not answer", async () => {
    const fake = new FakeHost("KeeperErrorCode = ConnectionLoss for /\n");
    await expect(needsZnodeAcls(fake.cluster, "secure")).rejects.toThrow(
      "host1: ZooKeeper must tell the access control lists of / /brokers/topics /config/topics; got",
    );
  });
});
