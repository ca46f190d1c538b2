import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import pins from "../../components/lib/archives.json";
import { APACHE_RELEASES } from "../support/apache-launchers";

/*
 * The launchers of the archives that scripts/dev/steps/archives.sh packs, compared with Apache's lists, and
 * started with a java that only prints how it was called. test/integration/book.test.ts starts them on hosts.
 */

const ROOT = join(__dirname, "../..");
const SOURCES = join(ROOT, "offline/archives");
const STEP = join(ROOT, "scripts/dev/steps/archives.sh");

/** What the packed archives lack on purpose, and why. */
const LACKING = {
  kafka: {
    bin: { windows: "hosts run Linux" },
    config: { kraft: "the lab's brokers use ZooKeeper" },
  },
  zookeeper: {
    bin: {
      "README.txt": "describes Apache's files",
      "zkCli.cmd": "hosts run Linux",
      "zkEnv.cmd": "hosts run Linux",
      "zkServer.cmd": "hosts run Linux",
      "zkSnapShotToolkit.cmd": "hosts run Linux",
      "zkSnapshotComparer.cmd": "hosts run Linux",
      "zkTxnLogToolkit.cmd": "hosts run Linux",
    },
    config: { "configuration.xsl": "no launcher reads this style sheet" },
  },
};

let scratch: string;
/** A release, packed without its jars. */
let kafka: string;
let zookeeper: string;
/** A directory with commands in place of those of the machine. */
let commands: string;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "kafkalab-launchers-"));
  kafka = join(scratch, "kafka");
  cpSync(join(SOURCES, "kafka/bin"), join(kafka, "bin"), { recursive: true });
  cpSync(join(SOURCES, "kafka/config"), join(kafka, "config"), { recursive: true });
  const table = join(SOURCES, "kafka/launchers.json");
  const { status, stderr } = spawnSync("bash", [
    ...["-euo", "pipefail", "-c", '. "$0"; archives_launchers "$1" "$2"'],
    ...[STEP, table, join(kafka, "bin")],
  ]);
  expect(status, stderr.toString()).toBe(0);
  mkdirSync(join(kafka, "libs"));
  for (const jar of ["connect-file-0.jar", "connect-mirror-0.jar", "kafka-clients-0.jar"]) {
    writeFileSync(join(kafka, "libs", jar), "");
  }

  zookeeper = join(scratch, "apache-zookeeper-0-bin");
  cpSync(join(SOURCES, "zookeeper/bin"), join(zookeeper, "bin"), { recursive: true });
  cpSync(join(SOURCES, "zookeeper/conf"), join(zookeeper, "conf"), { recursive: true });
  mkdirSync(join(zookeeper, "lib"));
  writeFileSync(join(zookeeper, "lib/zookeeper-0.jar"), "");

  commands = join(scratch, "commands");
  mkdirSync(commands);
  for (const [name, line] of [
    ["java", `printf '%s\\n' "$@"`],
    ["pkill", `echo "pkill $*"`],
  ] as const) {
    writeFileSync(join(commands, name), `#!/bin/sh\n${line}\n`);
    chmodSync(join(commands, name), 0o755);
  }
});

afterAll(() => {
  rmSync(scratch, { recursive: true });
});

/** Starts a launcher; what it printed, by lines. */
function start(launcher: string, args: string[], env: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = spawnSync("bash", [launcher, ...args], {
    cwd: scratch,
    env: { PATH: `${commands}:${process.env.PATH}`, ...env },
  });
  return { status, lines: stdout.toString().trimEnd().split("\n"), stderr: stderr.toString() };
}

const startKafka = (name: string, args: string[], env?: NodeJS.ProcessEnv) =>
  start(join(kafka, "bin", name), args, env);
const startZooKeeper = (name: string, args: string[], env?: NodeJS.ProcessEnv) =>
  start(join(zookeeper, "bin", name), args, env);

describe("Apache's list", () => {
  test.each(["kafka", "zookeeper"] as const)("is there for each release of %s", (product) => {
    expect(Object.keys(APACHE_RELEASES[product])).toEqual(Object.keys(pins[product]));
  });

  const releases = (["kafka", "zookeeper"] as const).flatMap((product) =>
    Object.entries(APACHE_RELEASES[product]).map(
      ([version, release]) => [product, version, release] as const,
    ),
  );

  test.each(releases)("is that of the archive of %s %s", (product, _, release) => {
    const [place, configuration] =
      product === "kafka" ? [kafka, "config"] : ([zookeeper, "conf"] as const);
    const { bin, config } = LACKING[product];
    expect([...readdirSync(join(place, "bin")), ...Object.keys(bin)].sort()).toEqual(
      [...release.bin].sort(),
    );
    expect([...readdirSync(join(place, configuration)), ...Object.keys(config)].sort()).toEqual(
      [...release.config].sort(),
    );
  });
});

describe("Kafka's launchers", () => {
  test("a tool gets the release's jars, a heap of 256 MB and the log of tools", () => {
    const { lines } = startKafka("kafka-acls.sh", ["--list", "--topic", "a b"]);
    expect(lines.slice(-4)).toEqual(["kafka.admin.AclCommand", "--list", "--topic", "a b"]);
    expect(lines).toEqual(expect.arrayContaining(["-Xmx256M"]));
    expect(lines).toContain(`-Dlog4j.configuration=file:${kafka}/config/tools-log4j.properties`);
  });

  test("example connectors are not on the class path", () => {
    const { lines } = startKafka("kafka-topics.sh", ["--list"]);
    expect(lines[lines.indexOf("-cp") + 1]).toBe(
      `${kafka}/libs/connect-mirror-0.jar:${kafka}/libs/kafka-clients-0.jar`,
    );
  });

  test("the table's heap and log are defaults", () => {
    const { lines } = startKafka("connect-standalone.sh", ["worker.properties"]);
    expect(lines).toEqual(expect.arrayContaining(["-Xms256M", "-Xmx2G"]));
    expect(lines).toContain(
      `-Dlog4j.configuration=file:${kafka}/bin/../config/connect-log4j.properties`,
    );
    const changed = startKafka("connect-standalone.sh", ["worker.properties"], {
      KAFKA_HEAP_OPTS: "-Xmx100M",
      KAFKA_LOG4J_OPTS: "-Dlog4j.configuration=file:/mine",
    });
    expect(changed.lines).toEqual(
      expect.arrayContaining(["-Xmx100M", "-Dlog4j.configuration=file:/mine"]),
    );
    expect(changed.lines).not.toContain("-Xmx2G");
  });

  test("each log file that the table names is in config/", () => {
    const table = JSON.parse(readFileSync(join(SOURCES, "kafka/launchers.json"), "utf8")) as Record<
      string,
      { log4j?: string }
    >;
    const named = Object.values(table).flatMap(({ log4j }) => log4j ?? []);
    expect(named.length).toBeGreaterThan(0);
    for (const name of named) {
      expect(existsSync(join(kafka, "config", name)), name).toBe(true);
    }
  });

  test("zookeeper-shell.sh connects to its first argument", () => {
    const { lines } = startKafka("zookeeper-shell.sh", ["peter-zk01:2181", "ls", "/"]);
    expect(lines.slice(-5)).toEqual([
      "org.apache.zookeeper.ZooKeeperMainWithTlsSupportForKafka",
      ...["-server", "peter-zk01:2181", "ls", "/"],
    ]);
  });

  test.each([
    ["connect-distributed.sh", "[-daemon] connect-distributed.properties"],
    ["kafka-server-start.sh", "[-daemon] server.properties [--override name=value]..."],
    ["zookeeper-shell.sh", "host:port[/path] [-zk-tls-config-file file] [command]..."],
  ])("%s without arguments prints its usage", (name, usage) => {
    expect(startKafka(name, [])).toMatchObject({
      status: 1,
      lines: [""],
      stderr: `USAGE: ${kafka}/bin/${name} ${usage}\n`,
    });
  });

  test.each([
    ["kafka-server-start.sh", "kafkaServer"],
    ["zookeeper-server-start.sh", "zookeeper"],
    ["connect-mirror-maker.sh", "mirrorMaker"],
  ])("%s -daemon writes %s.out", (name, output) => {
    const logs = join(scratch, "logs", name);
    // The process that is left behind keeps the fourth stream, so this waits for its end.
    const { status } = spawnSync("bash", [join(kafka, "bin", name), "-daemon", "my.properties"], {
      env: { PATH: `${commands}:${process.env.PATH}`, LOG_DIR: logs },
      stdio: ["ignore", "pipe", "pipe", "pipe"],
    });
    expect(status).toBe(0);
    const lines = readFileSync(join(logs, `${output}.out`), "utf8")
      .trimEnd()
      .split("\n");
    expect(lines.at(-1)).toBe("my.properties");
  });

  test.each([
    ["kafka-server-stop.sh", "[ ]kafka\\.Kafka( |$)"],
    [
      "zookeeper-server-stop.sh",
      "[ ]org\\.apache\\.zookeeper\\.server\\.quorum\\.QuorumPeerMain( |$)",
    ],
  ])("%s stops processes of its kind, and nothing when it is asked for help", (name, pattern) => {
    expect(startKafka(name, [])).toMatchObject({ status: 0, lines: [`pkill -TERM -f ${pattern}`] });
    const asked = startKafka(name, ["--help"]);
    expect(asked).toMatchObject({ status: 1, lines: [""] });
    expect(asked.stderr).toContain("USAGE: ");
  });

  test.each([
    ["agent", "agent.Agent"],
    ["coordinator", "coordinator.Coordinator"],
    ["client", "coordinator.CoordinatorClient"],
    ["agent-client", "agent.AgentClient"],
  ])("trogdor.sh %s", (action, suffix) => {
    const { lines } = startKafka("trogdor.sh", [action, "--help"]);
    expect(lines.slice(-2)).toEqual([`org.apache.kafka.trogdor.${suffix}`, "--help"]);
  });

  test("trogdor.sh refuses other actions", () => {
    const { status, stderr } = startKafka("trogdor.sh", ["fly"]);
    expect(status).toBe(1);
    expect(stderr).toContain("unknown action fly\nUSAGE: ");
  });
});

describe("ZooKeeper's launchers", () => {
  let configuration: string;
  let data: string;
  let log: string;

  beforeEach(() => {
    const place = mkdtempSync(join(scratch, "zookeeper-"));
    [data, log] = [join(place, "data"), join(place, "log")];
    configuration = join(place, "my.cfg");
    writeFileSync(configuration, `dataDir=${data}\ndataLogDir = ${log}\nclientPort=2181\n`);
  });

  test.each([
    ["zkSnapShotToolkit.sh", "org.apache.zookeeper.server.SnapshotFormatter"],
    ["zkSnapshotComparer.sh", "org.apache.zookeeper.server.SnapshotComparer"],
    ["zkTxnLogToolkit.sh", "org.apache.zookeeper.server.persistence.TxnLogToolkit"],
    ["zkCli.sh", "org.apache.zookeeper.ZooKeeperMain"],
  ])("%s", (name, className) => {
    const { lines } = startZooKeeper(name, ["a b"], { JVMFLAGS: "-Dx=1 -Dy=2" });
    expect(lines.slice(-4)).toEqual(["-Dx=1", "-Dy=2", className, "a b"]);
    expect(lines[lines.indexOf("-cp") + 1]).toBe(`${zookeeper}/lib/zookeeper-0.jar`);
  });

  test("zkCleanup.sh names the directories of the configuration", () => {
    const { lines } = startZooKeeper("zkCleanup.sh", ["-n", "3"], { ZOOCFG: configuration });
    expect(lines.slice(-5)).toEqual([
      "org.apache.zookeeper.server.PurgeTxnLog",
      ...[log, data, "-n", "3"],
    ]);
  });

  test("zkServer.sh takes the configuration of its argument, or of the environment", () => {
    const last = (args: string[], env?: NodeJS.ProcessEnv) =>
      startZooKeeper("zkServer.sh", ["start-foreground", ...args], env).lines.at(-1);
    expect(last([configuration])).toBe(configuration);
    expect(last([], { ZOOCFG: configuration })).toBe(configuration);
    expect(last(["zoo_sample.cfg"])).toBe(`${zookeeper}/conf/zoo_sample.cfg`);
    expect(startZooKeeper("zkServer.sh", ["--help"]).stderr).toContain("USAGE: ");
  });

  test("zkServer-initialize.sh prepares directories, and keeps data unless it is forced", () => {
    const initialize = (...more: string[]) =>
      startZooKeeper("zkServer-initialize.sh", [`--configfile=${configuration}`, ...more]);
    expect(initialize("--myid", "7").status).toBe(0);
    expect(readFileSync(join(data, "myid"), "utf8")).toBe("7\n");
    expect(existsSync(join(data, "initialize"))).toBe(true);
    const snapshot = join(log, "version-2/log.1");
    writeFileSync(snapshot, "");
    const refused = initialize("--myid=8");
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain(`${data} holds data already; --force deletes it`);
    expect(existsSync(snapshot)).toBe(true);
    expect(initialize("--force").status).toBe(0);
    expect(existsSync(snapshot)).toBe(false);
    expect(existsSync(join(data, "myid"))).toBe(false);
    expect(startZooKeeper("zkServer-initialize.sh", ["--help"]).lines[0]).toContain("USAGE: ");
  });
});
