import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runFunctions } from "./support/script";

let scratch: string;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "kafkalab-zookeeper-"));
});

afterAll(() => {
  rmSync(scratch, { recursive: true });
});

const DATA_FILES = ["zookeeper-data.sh"];
const line = (id: number) => `server.${id}=peter-zk0${id}:2888:3888:participant`;
const list = (ids: number[]) => ids.map((id) => `${line(id)};0.0.0.0:2181\n`).join("");

test("what ZooKeeper answers is told without the password", () => {
  const lines = `SUPER=$SCRATCH/password; echo opensesame >"$SUPER"
    timeout() { read -r line; echo "[zk: 1] $line"; read -r line; echo "no to $line, opensesame"; }
    reconfigure`;
  const variables = { SCRATCH: scratch, LINK: scratch, CHANGE: "-remove 4" };
  expect(runFunctions([...DATA_FILES, "zookeeper-reconfig.sh"], lines, variables).stdout).toBe(
    "no to reconfig -remove 4, ...\n",
  );
});

describe("the first list of members", () => {
  const first = (members: string, prepare = "") => {
    const data = mkdtempSync(join(scratch, "zk-"));
    const lines = `${prepare}
      data_mounted() { :; }; only_run() { :; }; check_metrics_library() { :; }; check_myid() { :; }
      prepare_start() { :; }
      main; cat "$DATA"/zoo.cfg.dynamic 2>/dev/null || true`;
    return runFunctions([...DATA_FILES, "zookeeper-prepare.sh"], lines, {
      ...{ DATA: data, LINK: data, NODE_ID: "4", MEMBERS: members },
    }).stdout;
  };

  test("a founder begins with the founders", () => {
    const variables = { FOUNDERS: "peter-zk01=vol-1 peter-test01=vol-2" };
    const files = [...DATA_FILES, "zookeeper-install.sh"];
    expect(runFunctions(files, "founders_list", variables).stdout).toBe(
      `${line(1)};2181\nserver.2=peter-test01:2888:3888:participant;2181\n`,
    );
  });

  test("any other node says that it has none, and takes what it is given", () => {
    expect(first("")).toBe("no members\n");
    expect(first(`${line(1)};2181\n${line(4)};2181`)).toBe(`${line(1)};2181\n${line(4)};2181\n`);
  });

  test("a node of an earlier release of the lab keeps that one's servers", () => {
    const former = "tickTime=2000\nserver.1=peter-zk01.foo.bar:2888:3888\n";
    const prepare = `mkdir "$LINK/conf"; printf '${former}' >"$LINK/conf/zoo.cfg"`;
    expect(first("", prepare)).toBe(`${line(1)};2181\n`);
  });

  test("a list that is there is left alone", () => {
    expect(first(`${line(1)};2181`, 'echo own >"$DATA/zoo.cfg.dynamic"')).toBe("own\n");
  });
});

test.each([
  ["the first", { "zoo.cfg.dynamic": [1, 2] }, [1, 2], "zoo.cfg.dynamic"],
  [
    "the newest that ZooKeeper has written",
    {
      "zoo.cfg.dynamic": [1],
      "zoo.cfg.dynamic.ffffffff": [1, 3],
      "zoo.cfg.dynamic.100000000": [1, 2],
      "zoo.cfg.dynamic.next": [2],
    },
    [1, 2],
    "zoo.cfg.dynamic.100000000",
  ],
  [
    "with this node, where it is none yet",
    { "zoo.cfg.dynamic": [2], "zoo.cfg.dynamic.100000000": [1, 3] },
    [1, 3, 2],
    "zoo.cfg.dynamic",
  ],
])("ZooKeeper is started with the list of members that is %s", (_, lists, ids, used) => {
  const data = mkdtempSync(join(scratch, "zk-"));
  const [link, etc] = [mkdtempSync(join(scratch, "link-")), join(data, "etc")];
  writeFileSync(join(data, "myid"), "2\n");
  for (const [name, members] of Object.entries(lists)) {
    writeFileSync(join(data, name), list(members));
  }
  const lines = `mkdir "$LINK/conf" "$LINK/bin"; echo tickTime=2000 >"$LINK/conf/zoo.cfg"
    echo '#!/bin/bash\necho "$@"' >"$LINK/bin/zkServer.sh"; chmod +x "$LINK/bin/zkServer.sh"
    SUPER=$ETC/zookeeper-super HOST=peter-zk02; prepare_start; cat "$SUPER"`;
  const prepared = runFunctions(DATA_FILES, lines, { DATA: data, LINK: link, ETC: etc });
  expect(prepared.stdout).toMatch(/^[0-9a-f]{64}$/);
  expect(statSync(join(etc, "zookeeper-super")).mode & 0o777).toBe(0o600);
  const started = spawnSync("bash", [join(etc, "zookeeper-start.sh")]);
  expect([started.status, started.stderr.toString(), started.stdout.toString()]).toEqual([
    ...[0, ""],
    `start-foreground ${join(data, "zoo.cfg")}\n`,
  ]);
  const digest = createHash("sha1").update(`super:${prepared.stdout}`).digest("base64");
  expect(readFileSync(join(data, "zoo.cfg"), "utf8")).toBe(
    "tickTime=2000\n" +
      `dynamicConfigFile=${join(data, used)}\n` +
      `DigestAuthenticationProvider.superDigest=super:${digest}\n`,
  );
  const written = readFileSync(join(data, used), "utf8");
  expect(written.replaceAll("0.0.0.0:", "")).toBe(list(ids).replaceAll("0.0.0.0:", ""));
});

describe("check_myid", () => {
  test("a new directory gets its myid", () => {
    const data = join(scratch, "zk-new");
    const variables = { NODE_ID: "2", DATA: data, SERVICE_USER: "zookeeper" };
    // Only root may give a directory to somebody else.
    const install = 'install() { echo "$@"; mkdir "${@: -1}"; }; check_myid';
    expect(runFunctions(DATA_FILES, install, variables)).toMatchObject({
      ...{ status: 0, stdout: `-d -m 0750 -o zookeeper -g zookeeper ${data}\n` },
    });
    expect(readFileSync(join(data, "myid"), "utf8")).toBe("2\n");
    expect(runFunctions(DATA_FILES, "check_myid", variables).status).toBe(0);
  });

  test("another node's myid is refused, with the repair", () => {
    const data = join(scratch, "zk-of-another");
    mkdirSync(data);
    writeFileSync(join(data, "myid"), "2\n");
    const variables = { NODE_ID: "3", DATA: data, SERVICE_USER: "zookeeper" };
    const { status, stderr } = runFunctions(DATA_FILES, "check_myid", variables);
    expect(status).toBe(1);
    expect(stderr).toBe(
      `peter-test01: ${data}/myid: it must hold 3; got "2". Either this volume is another node's: ` +
        "attach the right one. Or the file is damaged: write 3 into it.\n",
    );
  });
});

describe("ZooKeeper's metrics", () => {
  const PROMETHEUS = "org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider";
  const check = (provider: string) =>
    runFunctions(DATA_FILES, "check_metrics_library && echo sound", {
      CONFIG: `tickTime=2000\nmetricsProvider.className=${provider}\n`,
      DIRECTORY: "apache-zookeeper-0.0.0-bin",
    });

  test("a provider whose library the release lacks is refused before anything changes", () => {
    const { status, stdout, stderr } = check(PROMETHEUS);
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(
      'setting "kafkalab:zookeeperConfig": it must hold a metricsProvider.className whose library ' +
        "is there; got PrometheusMetricsProvider, and /usr/local/apache-zookeeper-0.0.0-bin/lib has " +
        "no zookeeper-prometheus-metrics-*.jar",
    );
  });

  test("those of ZooKeeper itself are taken", () => {
    expect(check("org.apache.zookeeper.metrics.impl.NullMetricsProvider").stdout).toBe("sound\n");
  });
});
