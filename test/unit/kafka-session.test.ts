import { spawnSync } from "node:child_process";
import { createServer } from "node:net";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { kafkaUnit, SESSION_SCRIPT } from "../../components/lib/kafka-config";
import { renderScript } from "../../shared/remote-script";

const HOST = "peter-kafka02.foo.bar";
const SESSION = "0x200033c7bfc0002";

let scratch: string;
const at = (path: string) => join(scratch, path);

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "kafkalab-session-"));
  for (const dir of ["data", "kafka/bin", "kafka/config", "zookeeper"]) {
    mkdirSync(at(dir), { recursive: true });
  }
  configure(9092);
  writeFileSync(at("kafka-session.sh"), renderScript(["kafka-session.sh"], {}));
  fakeShell(`
  case $command in
    "get -s "*)
      name=\${command##*/}
      if [[ -e $NODES/$name ]]; then cat "$NODES/$name"; else echo "Node does not exist: \${command#get -s }" >&2; fi ;;
    "delete -v "*)
      read -r _ _ version path <<<"$command"
      if grep -qx "dataVersion = $version" "$NODES/\${path##*/}"; then rm "$NODES/\${path##*/}"; else echo "version No is not valid : $path" >&2; fi ;;
    version) echo "ZooKeeper CLI version: 3.8.4" ;;
  esac`);
  meta();
});

afterEach(() => {
  rmSync(scratch, { recursive: true });
});

function configure(port: number): void {
  writeFileSync(
    at("kafka/config/server.properties"),
    [
      "broker.id=2",
      `advertised.listeners=PLAINTEXT://${HOST}:${port}`,
      "zookeeper.connect=zk01:2181,zk02:2181",
      `log.dirs=${at("data")}`,
      "",
    ].join("\n"),
  );
}

/** A zookeeper-shell that notes what it is asked, and answers each command by these lines. */
function fakeShell(answer: string): void {
  const lines = `#!/bin/bash
NODES=${at("zookeeper")}
printf '%s\\n' "$@" >${at("arguments")}
printf '%s\\n' "$KAFKA_OPTS" >${at("options")}
echo "Connecting to $1"
while IFS= read -r command; do
  echo "$command" >>${at("asked")}${answer}
done
`;
  writeFileSync(at("kafka/bin/zookeeper-shell.sh"), lines);
  chmodSync(at("kafka/bin/zookeeper-shell.sh"), 0o755);
}

const meta = () => writeFileSync(at("data/meta.properties"), "broker.id=2\n");

function node(name: string, value: string, session: string): void {
  const stat = ["cZxid = 0x1", "dataVersion = 1", `ephemeralOwner = ${session}`];
  writeFileSync(at(`zookeeper/${name}`), [value, ...stat, ""].join("\n"));
}

const register = (host = HOST, port = 9092) =>
  node("2", `{"endpoints":["PLAINTEXT://${host}:${port}"],"port":${port}}`, SESSION);

const control = (session: string) => node("controller", '{"brokerid":2}', session);

function run(seconds = 30, options = "-Dcom.sun.management.jmxremote.port=9999") {
  const argv = [at("kafka-session.sh"), at("kafka"), String(seconds)];
  const env = { ...process.env, KAFKA_OPTS: options };
  const { status, stdout, stderr } = spawnSync("bash", argv, { encoding: "utf8", env });
  expect(stderr).toBe("");
  return { status, stdout };
}

const asked = () => (existsSync(at("asked")) ? readFileSync(at("asked"), "utf8") : "");
const left = (name: string) => existsSync(at(`zookeeper/${name}`));

test("the unit runs it before the broker, which starts whatever becomes of it", () => {
  expect(kafkaUnit(384).split("\n")).toEqual(
    expect.arrayContaining([
      `ExecStartPre=-/bin/bash ${SESSION_SCRIPT} /usr/local/kafka 60`,
      "TimeoutStartSec=120",
    ]),
  );
});

test.each([
  ["a clean stop", () => writeFileSync(at("data/.kafka_cleanshutdown"), "")],
  ["the start of a new broker", () => rmSync(at("data/meta.properties"))],
])("after %s it starts no shell", (_, prepare) => {
  register();
  prepare();
  expect(run()).toEqual({ status: 0, stdout: "" });
  expect(existsSync(at("arguments"))).toBe(false);
  expect(left("2")).toBe(true);
});

test("after an unclean stop it deletes the registration, and the controller of that session", () => {
  register();
  control(SESSION);
  const { status, stdout } = run();
  expect(status).toBe(0);
  expect(stdout).toContain(`kafka-session: deleted /brokers/ids/2 of session ${SESSION}`);
  expect(stdout).toContain(`kafka-session: deleted /controller of session ${SESSION}`);
  expect([left("2"), left("controller")]).toEqual([false, false]);
  expect(readFileSync(at("arguments"), "utf8")).toBe("zk01:2181,zk02:2181\n");
});

test.each([
  ["with its login, but without other options", "-Da=b -Djava.security.auth.login.config=/x -Dc=d"],
  ["without options if it has no login", "-Da=b -Dc=d"],
])("it asks as the broker: %s", (_, options) => {
  register();
  run(30, options);
  const login = options.includes("login") ? "-Djava.security.auth.login.config=/x" : "";
  expect(readFileSync(at("options"), "utf8")).toBe(`${login}\n`);
  expect(left("2")).toBe(false);
});

test("it leaves a controller of another session", () => {
  register();
  control("0x100000000000001");
  run();
  expect([left("2"), left("controller")]).toEqual([false, true]);
});

test.each([
  ["another host", "peter-kafka03.foo.bar"],
  ["a host whose name begins like this one's", `${HOST}.example`],
  ["a host whose name ends like this one's", `other-${HOST}`],
])("it leaves the registration of %s", (_, host) => {
  register(host);
  control(SESSION);
  expect(run().stdout).toBe("");
  expect([left("2"), left("controller")]).toEqual([true, true]);
  expect(asked()).not.toContain("delete");
});

test("it asks once where there is no registration", () => {
  control(SESSION);
  expect(run()).toEqual({ status: 0, stdout: "" });
  expect(asked()).toBe("get -s /brokers/ids/2\nversion\n");
});

test("it leaves the registration of a broker that serves on this host", async () => {
  const server = createServer().listen(0);
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  configure(port);
  register(HOST, port);
  run();
  server.close();
  expect(left("2")).toBe(true);
});

test("it asks again while the shell has no connection", () => {
  register();
  const shell = readFileSync(at("kafka/bin/zookeeper-shell.sh"), "utf8");
  const lost = `
  if [[ $command == get* ]] && (($(grep -c ^get ${at("asked")}) < 3)); then
    echo "KeeperErrorCode = ConnectionLoss for /brokers/ids/2" >&2
    continue
  fi
  case`;
  writeFileSync(at("kafka/bin/zookeeper-shell.sh"), shell.replace("\n  case", lost));
  run();
  expect(left("2")).toBe(false);
});

test("it says which registration it could not delete, and leaves the controller", () => {
  register();
  control(SESSION);
  const shell = readFileSync(at("kafka/bin/zookeeper-shell.sh"), "utf8");
  writeFileSync(at("kafka/bin/zookeeper-shell.sh"), shell.replace("dataVersion", "other"));
  expect(run().stdout).toBe(
    "kafka-session: /brokers/ids/2 not deleted; last saw version No is not valid : /brokers/ids/2\n\n",
  );
  expect([left("2"), left("controller")]).toEqual([true, true]);
});

test.each([
  ["says nothing", ""],
  [
    "has no connection",
    "; echo 'KeeperErrorCode = ConnectionLoss for /brokers/ids/2'; [[ $command != version ]] || echo 'ZooKeeper CLI version: 3.8.4'",
  ],
])("it ends within its bound while ZooKeeper %s", (_, answer) => {
  fakeShell(answer);
  register();
  const began = Date.now();
  expect(run(1).stdout).toContain("kafka-session: no answer from ZooKeeper; ");
  expect(Date.now() - began).toBeLessThan(5000);
  expect(left("2")).toBe(true);
});

test("it ends at once where the shell does", () => {
  writeFileSync(at("kafka/bin/zookeeper-shell.sh"), "#!/bin/bash\necho no Java; exit 1\n");
  register();
  expect(run().stdout).toContain("no Java");
});
