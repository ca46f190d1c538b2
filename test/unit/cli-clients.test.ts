import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { clientAccess, isTunnelled, serversIn } from "../../cli/clients/access";
import { clientHosts, findClient, type RemoteClient } from "../../cli/clients/client-host";
import { Deliveries, LineCount, remarkIn } from "../../cli/clients/deliveries";
import {
  consumeCommand,
  type Consumption,
  metadataCommand,
  produceCommand,
} from "../../cli/clients/kcat";
import { type ClientLab, isPaused, type LabOutputs, readOutputs } from "../../cli/clients/lab";
import { createFile } from "../../cli/clients/output-file";
import { consume, produce } from "../../cli/clients/remote-run";
import { type ClientKind, TEMPLATES } from "../../cli/clients/templates";
import { NODE_CLIENT } from "../../cli/clients/templates/node";
import { remarks, renderTemplate } from "../../cli/clients/templates/template";
import { topicOf, unknownTopic } from "../../cli/clients/topic";
import { Tunnel } from "../../cli/clients/tunnel";
import { checkPorts, planTunnel, tunnelArguments } from "../../cli/clients/tunnel-plan";
import { endsWithInput } from "../../cli/hosts/ends-with-input";
import type { LabHost } from "../../cli/hosts/hosts";
import { Refusal } from "../../cli/lib/refusal";

let scratch: string;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "kafkalab-clients-"));
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(scratch, { recursive: true });
});

const INSIDE = "peter-kafka01.foo.bar:9092,peter-kafka02.foo.bar:9092";
const PUBLIC = "198.18.7.1:9094,198.18.7.2:9094";
const TUNNELLED = "localhost:19092,localhost:19093";

function host(name: string, privateIp: string, rest: Partial<LabHost> = {}): LabHost {
  const address = rest.via === undefined ? `198.18.0.${privateIp.split(".")[3]}` : privateIp;
  return {
    ...{ names: [name, `${name}.foo.bar`], privateIp, publicIp: "", hostKey: "", address },
    ...rest,
  };
}

/** A lab with these hosts. */
function lab(outputs: LabOutputs, hosts: LabHost[], rest: Partial<ClientLab> = {}): ClientLab {
  return {
    stack: { name: "local", target: "local" },
    hosts: Object.fromEntries(hosts.map((each) => [each.names[0], each])),
    outputs,
    isPaused: false,
    directory: scratch,
    ...rest,
  };
}

const BROKERS = [host("peter-kafka02", "10.20.32.10"), host("peter-kafka01", "10.20.0.10")];
const PRIVATE_HOSTS = [
  host("peter-bastion01", "10.20.0.200"),
  ...BROKERS.map((broker) => ({ ...broker, via: "peter-bastion01" })),
];
const PRIVATE_OUTPUTS = { clientBootstrapServers: TUNNELLED, bootstrapServers: INSIDE };
const privateLab = (rest: Partial<ClientLab> = {}) => lab(PRIVATE_OUTPUTS, PRIVATE_HOSTS, rest);

/** The text of the refusal that a function throws. */
async function refusal(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (error instanceof Refusal) {
      return error.text;
    }
    throw error;
  }
  throw new Error("there was no refusal");
}

/** What is written to standard output and standard error. */
function capture(): { stdout: string; stderr: string } {
  const written = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    vi.spyOn(process[name], "write").mockImplementation((text) => {
      written[name] += String(text);
      return true;
    });
  }
  return written;
}

/** Puts an ssh on the PATH that runs a script of bash. `$host` and `$remote` are its last two arguments. */
function fakeSsh(script: string): void {
  const head = 'host=${@: -2:1} remote=${@: -1}; cd "${0%/*}"';
  writeFileSync(join(scratch, "ssh"), `#!/bin/bash\n${head}\n${script}\n`);
  chmodSync(join(scratch, "ssh"), 0o755);
  vi.stubEnv("PATH", `${scratch}:${process.env["PATH"]}`);
}

describe("outputs of the stack", () => {
  const stack = { urn: "s", type: "pulumi:pulumi:Stack" };
  const power = (state: string) => ({
    ...{ urn: "p", type: "aws:ec2transitgateway/instanceState:InstanceState" },
    inputs: { state },
  });

  test.each([
    [[], {}],
    [[stack], {}],
    [
      [{ ...stack, outputs: { topic: "t", clientBootstrapServers: PUBLIC, hosts: {} } }],
      { topic: "t", clientBootstrapServers: PUBLIC },
    ],
  ])("of %j are %j", (resources, outputs) => {
    expect(readOutputs(resources)).toEqual(outputs);
  });

  test.each([
    [[stack], false],
    [[power("stopped"), stack, power("stopped")], true],
    [[power("stopped"), power("running")], false],
  ])("the lab of %j is paused: %s", (resources, paused) => {
    expect(isPaused(resources)).toBe(paused);
  });
});

describe("the way to the brokers", () => {
  test.each([
    [PUBLIC, false],
    [TUNNELLED, true],
  ])("%s leads through the tunnel: %s", (clientBootstrapServers, tunnelled) => {
    const access = clientAccess({ clientBootstrapServers }, "local");
    expect(access).toEqual({ bootstrapServers: clientBootstrapServers, protocol: "PLAINTEXT" });
    expect(isTunnelled(clientBootstrapServers)).toBe(tunnelled);
  });

  test("is missing without a listener", async () => {
    expect(await refusal(() => clientAccess({}, "dev"))).toMatchInlineSnapshot(`
      "kafkalab: the brokers of the stack dev have no listener for clients outside the VPC.
        If an older version created the lab, update it: npm run up -- -s dev
        If kafkalab:clientAllowedCidrs is none, say who may connect, then update the lab. For example:
          pulumi config set --path 'kafkalab:clientAllowedCidrs[0]' 203.0.113.7/32 -s dev
        Without a listener, these commands work: npm run produce, npm run consume"
    `);
  });

  test("has hosts and ports", () => {
    expect(serversIn("a:1,[::1]:2")).toEqual([
      { host: "a", port: 1 },
      { host: "[::1]", port: 2 },
    ]);
    expect(() => serversIn("a")).toThrow("a bootstrap server must be HOST:PORT; got a");
  });
});

describe("a client file", () => {
  const input = (kind: ClientKind, bootstrapServers = PUBLIC) => ({
    access: { bootstrapServers, protocol: "PLAINTEXT" as const },
    ...{ topic: "peter-overview01", stack: "local" },
    ...{ file: TEMPLATES[kind].file, pemFile: `/home/me/${TEMPLATES[kind].file}.pem` },
  });
  const render = (kind: ClientKind) => renderTemplate(kind, TEMPLATES[kind], input(kind));

  test("for Java", () => {
    expect(render("java")).toMatchInlineSnapshot(`
      "# Connects to the Kafka lab. Created by: npm run client-config -- java
      # Try it: bin/kafka-console-consumer.sh --bootstrap-server 198.18.7.1:9094,198.18.7.2:9094 --consumer.config client.properties --topic peter-overview01 --from-beginning --max-messages 1

      bootstrap.servers=198.18.7.1:9094,198.18.7.2:9094
      security.protocol=PLAINTEXT

      # Producers: a record counts as sent when all replicas in sync have it, and a retry does not repeat it.
      acks=all
      enable.idempotence=true
      key.serializer=org.apache.kafka.common.serialization.StringSerializer
      value.serializer=org.apache.kafka.common.serialization.StringSerializer

      # Consumers: a new group starts with the oldest record.
      group.id=kafkalab-java
      auto.offset.reset=earliest
      key.deserializer=org.apache.kafka.common.serialization.StringDeserializer
      value.deserializer=org.apache.kafka.common.serialization.StringDeserializer
      "
    `);
  });

  test("for librdkafka", () => {
    expect(render("librdkafka")).toMatchInlineSnapshot(`
      "# Connects to the Kafka lab. Created by: npm run client-config -- librdkafka
      # Try it: kcat -F librdkafka.conf -C -t peter-overview01 -o beginning -c 1

      bootstrap.servers=198.18.7.1:9094,198.18.7.2:9094
      security.protocol=PLAINTEXT

      # Producers: a record counts as sent when all replicas in sync have it, and a retry does not repeat it.
      # The same key goes to the same partition as with Java clients.
      acks=all
      enable.idempotence=true
      partitioner=murmur2_random

      # Consumers: a new group starts with the oldest record.
      group.id=kafkalab-librdkafka
      auto.offset.reset=earliest
      "
    `);
  });

  test("for kcat", () => {
    expect(render("kcat")).toMatchInlineSnapshot(`
      "# Connects to the Kafka lab. Created by: npm run client-config -- kcat
      # Try it: kcat -F kcat.conf -L

      bootstrap.servers=198.18.7.1:9094,198.18.7.2:9094
      security.protocol=PLAINTEXT
      "
    `);
  });

  test("for Spring", () => {
    expect(render("spring")).toMatchInlineSnapshot(`
      "# Connects to the Kafka lab. Created by: npm run client-config -- spring
      # Try it: java -jar YOUR-APPLICATION.jar --spring.config.additional-location=file:application.yml

      spring:
        kafka:
          bootstrap-servers: 198.18.7.1:9094,198.18.7.2:9094
          security:
            protocol: PLAINTEXT
          producer:
            acks: all
            key-serializer: org.apache.kafka.common.serialization.StringSerializer
            value-serializer: org.apache.kafka.common.serialization.StringSerializer
          consumer:
            group-id: kafkalab-spring
            auto-offset-reset: earliest
            key-deserializer: org.apache.kafka.common.serialization.StringDeserializer
            value-deserializer: org.apache.kafka.common.serialization.StringDeserializer
          template:
            default-topic: peter-overview01
      "
    `);
  });

  test.each<[ClientKind, string, string]>([
    [
      "python",
      '    "bootstrap.servers": "198.18.7.1:9094,198.18.7.2:9094",\n    "security.protocol": "PLAINTEXT",\n}\nTOPIC = "peter-overview01"\n',
      "# Try it: pip install confluent-kafka && python3 kafkalab_client.py\n",
    ],
    [
      "node",
      '  bootstrapBrokers: [\n    "198.18.7.1:9094",\n    "198.18.7.2:9094",\n  ],\n};\nconst topic = "peter-overview01";\n',
      "&& node kafkalab-client.mjs\n",
    ],
    [
      "go",
      '\tkgo.SeedBrokers(\n\t\t"198.18.7.1:9094",\n\t\t"198.18.7.2:9094",\n\t),\n}\n',
      "&& go run main.go\n",
    ],
  ])("for %s is a program with the addresses and the topic", (kind, connection, command) => {
    const text = render(kind);
    expect(text).toContain(connection);
    expect(text).toContain(command);
    expect(text).toMatch(/"peter-overview01"/);
    expect(text).not.toContain("undefined");
  });

  test("for Node.js is valid JavaScript", () => {
    const file = join(scratch, "client.mjs");
    writeFileSync(file, render("node"));
    const { status, stderr } = spawnSync(process.execPath, ["--check", file]);
    expect(stderr.toString()).toBe("");
    expect(status).toBe(0);
  });

  test.each(Object.keys(TEMPLATES) as ClientKind[])("for %s mentions the tunnel", (kind) => {
    const template = TEMPLATES[kind];
    const text = renderTemplate(kind, template, input(kind, TUNNELLED));
    const [first, second, third] = text.split("\n");
    expect(first).toBe(
      `${template.comment} Connects to the Kafka lab. Created by: npm run client-config -- ${kind}`,
    );
    expect(second).toBe(`${template.comment} Works while this command runs: npm run tunnel`);
    expect(third).toMatch(/^(#|\/\/) Try it: \S/);
  });

  test("of another stack names the stack, and the file in the command", () => {
    const other = { ...input("kcat", TUNNELLED), stack: "dev", file: "my.conf" };
    expect(remarks("kcat", TEMPLATES.kcat, other)).toEqual([
      "Connects to the Kafka lab. Created by: npm run client-config -- -s dev kcat",
      "Works while this command runs: npm run tunnel -- -s dev",
      "Try it: kcat -F my.conf -L",
    ]);
  });
});

describe("the option --out", () => {
  test("creates a file for its owner alone, where the user is", () => {
    vi.stubEnv("INIT_CWD", scratch);
    const umask = process.umask(0);
    expect(createFile("a.conf", "text\n")).toBe(join(scratch, "a.conf"));
    process.umask(umask);
    expect(readFileSync(join(scratch, "a.conf"), "utf8")).toBe("text\n");
    expect(statSync(join(scratch, "a.conf")).mode & 0o777).toBe(0o600);
  });

  test("never overwrites a file", async () => {
    const file = join(scratch, "mine");
    writeFileSync(file, "mine");
    expect(await refusal(() => createFile(file, "text"))).toBe(
      `kafkalab: ${file} exists, and client-config never overwrites a file.\n  Choose another name, or remove the file first.`,
    );
    expect(readFileSync(file, "utf8")).toBe("mine");
  });

  test("needs a directory", async () => {
    const file = join(scratch, "none/file");
    expect(await refusal(() => createFile(file, "text"))).toBe(
      `kafkalab: cannot create ${file}: ENOENT: no such file or directory, open '${file}'`,
    );
  });
});

describe("a tunnel", () => {
  test("leads from the ports in the outputs to the brokers, in the order of their ids", () => {
    expect(planTunnel(privateLab())).toEqual({
      bastion: "peter-bastion01",
      bootstrapServers: TUNNELLED,
      isSecured: false,
      brokerPort: 9095,
      forwards: [
        { port: 19092, broker: "peter-kafka01", address: "10.20.0.10" },
        { port: 19093, broker: "peter-kafka02", address: "10.20.32.10" },
      ],
    });
  });

  test("is one connection that ends if a port is taken or the bastion dies", () => {
    expect(tunnelArguments(planTunnel(privateLab()))).toMatchInlineSnapshot(`
      [
        "-F",
        "config",
        "-T",
        "-o",
        "ExitOnForwardFailure=yes",
        "-o",
        "ServerAliveInterval=5",
        "-o",
        "ServerAliveCountMax=3",
        "-o",
        "ControlMaster=no",
        "-o",
        "ControlPath=none",
        "-L",
        "localhost:19092:10.20.0.10:9095",
        "-L",
        "localhost:19093:10.20.32.10:9095",
        "peter-bastion01",
        "for address in 10.20.0.10 10.20.32.10; do
      (timeout 5 bash -c ": </dev/tcp/$address/9095" 2>/dev/null && echo "open $address") &
      done; wait; echo ready
      cat >/dev/null; kill $PPID",
      ]
    `);
  });

  const stopped = { ...host("peter-bastion01", "10.20.0.200"), address: undefined };
  test.each<[string, ClientLab, string]>([
    [
      "a public lab",
      lab({ clientBootstrapServers: PUBLIC }, BROKERS),
      `kafkalab: the stack local has the public topology, which needs no tunnel.\n  Clients connect to the brokers directly: ${PUBLIC}`,
    ],
    [
      "a public lab without a listener for clients",
      lab({}, BROKERS),
      "kafkalab: the stack local has the public topology, which needs no tunnel.\n  Its brokers have no listener for clients outside the VPC. Set kafkalab:clientAllowedCidrs, then: npm run up",
    ],
    [
      "a paused lab",
      privateLab({ isPaused: true }),
      "kafkalab: the lab is paused: peter-bastion01 does not run.\n  Start it: pulumi config set kafkalab:running true -s local; npm run up",
    ],
    [
      "a lab whose bastion is stopped",
      lab(PRIVATE_OUTPUTS, [stopped, ...BROKERS]),
      "kafkalab: the lab is paused: peter-bastion01 does not run.\n  Start it: pulumi config set kafkalab:running true -s local; npm run up",
    ],
    [
      "a lab that has become private without a complete up",
      lab({ clientBootstrapServers: PUBLIC }, PRIVATE_HOSTS),
      `kafkalab: the outputs of the stack local are from its former topology: ${PUBLIC}\n  Complete the change: npm run up`,
    ],
    [
      "a lab that has got a broker without a complete up",
      lab(PRIVATE_OUTPUTS, [...PRIVATE_HOSTS, host("peter-kafka03", "10.20.64.10")]),
      "kafkalab: the outputs of the stack local name 2 brokers, but it has 3.\n  Complete the change: npm run up",
    ],
  ])("does not open for %s", async (_, refused, text) => {
    expect(await refusal(() => planTunnel(refused))).toBe(text);
  });

  test("does not open for a private lab without the listener", async () => {
    expect(await refusal(() => planTunnel(lab({}, PRIVATE_HOSTS)))).toContain(
      "kafkalab: the brokers of the stack local have no listener for clients outside the VPC.",
    );
  });

  test("says which port is taken, and which setting changes it", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const forward = { port, broker: "peter-kafka01", address: "10.20.0.10" };
    const text = await refusal(() => checkPorts([forward], "dev"));
    await new Promise((resolve) => server.close(resolve));
    expect(text.replaceAll(String(port), "PORT")).toMatchInlineSnapshot(`
      "kafkalab: the port PORT is in use on this machine, perhaps by another npm run tunnel.
        To see the program: ss -ltnp 'sport = :PORT'
        To use other ports, for example 29092 and up, change the setting tunnelPort:
          pulumi config set kafkalab:tunnelPort 29092 -s dev; npm run up -- -s dev"
    `);
    await checkPorts([forward], "dev");
  });

  /** The command on the bastion, in a shell of its own: the command ends its parent. */
  function onBastion(): ReturnType<typeof spawn> {
    const plan = planTunnel(privateLab());
    const here = plan.forwards.map((forward) => ({ ...forward, address: "127.0.0.1" }));
    const script = tunnelArguments({ ...plan, forwards: here }).at(-1) ?? "";
    return spawn("bash", ["-c", 'bash -c "$0"; echo still here', script]);
  }

  test("ends the connection of the bastion when the input ends", async () => {
    const child = onBastion();
    let printed = "";
    child.stdout?.on("data", (text: Buffer) => {
      printed += text.toString();
      if (printed === "ready\n") {
        child.stdin?.end();
      }
    });
    expect(await once(child, "close")).toEqual([null, "SIGTERM"]);
    expect(printed).toBe("ready\n");
  });

  test("is open when ssh has opened the ports; it names brokers that do not answer", async () => {
    fakeSsh('echo "$host" >host; echo open 10.20.0.10; echo ready; exec cat');
    const tunnel = new Tunnel(planTunnel(privateLab()), scratch);
    expect(await tunnel.opened()).toEqual(["peter-kafka02"]);
    expect(readFileSync(join(scratch, "host"), "utf8")).toBe("peter-bastion01\n");
    await tunnel.close();
    expect(await tunnel.ended).toBe("SIGTERM");
  });

  test("shows why ssh cannot open it", async () => {
    fakeSsh("echo Permission denied >&2; exit 255");
    const written = capture();
    const tunnel = new Tunnel(planTunnel(privateLab()), scratch);
    expect(await refusal(() => tunnel.opened())).toBe(
      "kafkalab: the tunnel through peter-bastion01 could not be opened: ssh ended with 255.\n  See the state of the lab: npm run status",
    );
    expect(written.stderr).toBe("Permission denied\n");
  });

  test("says that it has broken", async () => {
    fakeSsh("echo ready; echo Timeout >&2; exit 255");
    const written = capture();
    const tunnel = new Tunnel(planTunnel(privateLab()), scratch);
    await tunnel.opened();
    expect(await refusal(() => tunnel.broken())).toContain("has broken: ssh ended with 255.");
    expect(written.stderr).toBe("Timeout\n");
  });

  test("gives its end to ssh as the end of the input", async () => {
    fakeSsh("echo ready; cat; touch ended");
    // A process that is killed closes its end of the pipe, and does nothing else.
    const script = `
      const { Tunnel } = require("./cli/clients/tunnel.ts");
      const plan = { bastion: "b", bootstrapServers: "localhost:1", forwards: [] };
      new Tunnel(plan, process.argv[1]).opened().then(() => process.kill(process.pid, "SIGKILL"));`;
    const argv = ["--import", "tsx", "-e", script, scratch];
    expect(spawnSync(process.execPath, argv).signal).toBe("SIGKILL");
    await vi.waitFor(() => expect(existsSync(join(scratch, "ended"))).toBe(true));
  });
});

describe("kcat on a host", () => {
  const place = { servers: "a:9092,b:9092", topic: "orders" };

  test("lists all topics, so that it creates none", () => {
    expect(metadataCommand("a:9092")).toBe("'kcat' '-L' '-J' '-m' '8' '-b' 'a:9092'");
  });

  test.each([
    [{}, ""],
    [{ keySeparator: "it's" }, " '-K' 'it'\\''s'"],
  ])("sends lines with %j", (options, flags) => {
    expect(produceCommand({ ...place, ...options })).toBe(
      `'kcat' '-P' '-vvv' '-b' 'a:9092,b:9092' '-t' 'orders'${flags} '-X' 'acks=all' '-X' 'enable.idempotence=true' '-X' 'topic.partitioner=murmur2_random' '-X' 'log_level=3'`,
    );
  });

  test.each<[Partial<Consumption>, string]>([
    [{}, "kcat -C -t orders -q -u -b a:9092,b:9092 -o beginning"],
    [{ fromEnd: true }, "kcat -C -t orders -q -u -b a:9092,b:9092 -o end"],
    [
      { max: 3, json: true, keySeparator: ":" },
      "kcat -C -t orders -q -u -b a:9092,b:9092 -c 3 -J -K : -o beginning",
    ],
    [{ group: "g" }, "kcat -G g -q -u -b a:9092,b:9092 -X auto.offset.reset=earliest orders"],
    [
      { group: "g", fromEnd: true, max: 1 },
      "kcat -G g -q -u -b a:9092,b:9092 -c 1 -X auto.offset.reset=latest orders",
    ],
  ])("reads with %j", (options, command) => {
    expect(consumeCommand({ ...place, ...options }).replaceAll("'", "")).toBe(command);
  });

  const LASTING = `bash -c 'trap "echo left; kill %1; exit 4" TERM; sleep 600 & echo up; wait'`;

  test("ends in order with the input of the script", async () => {
    const child = spawn("sh", ["-c", endsWithInput(LASTING)]);
    let printed = "";
    child.stdout.on("data", (text: Buffer) => {
      printed += text.toString();
      child.stdin.end();
    });
    expect(await once(child, "close")).toEqual([4, null]);
    expect(printed).toBe("up\nleft\n");
  });

  test("ends the script when it ends", async () => {
    const child = spawn("sh", ["-c", endsWithInput("sh -c 'echo done; exit 3'")]);
    expect(await once(child, "close")).toEqual([3, null]);
  });
});

describe("a report of kcat", () => {
  const delivered = (partition: number, offset: number) =>
    `% Message delivered to partition ${partition} (offset ${offset}) on broker 2`;

  test("is counted by partition", () => {
    const deliveries = new Deliveries();
    const lines = [delivered(2, 7), delivered(0, 12), delivered(2, 8), delivered(0, -1)];
    expect(lines.map((line) => deliveries.read(line))).toEqual(Array(4).fill(undefined));
    expect(deliveries.acknowledged).toBe(4);
    expect(deliveries.table).toBe(
      "PARTITION  RECORDS  OFFSETS\n0                2  12\n2                2  7-8",
    );
  });

  test("shows each reason for a rejection once", () => {
    const deliveries = new Deliveries();
    const line = "% Delivery failed for message: Broker: Message size too large";
    expect(deliveries.read(line)).toBe(
      "kafkalab: Kafka has rejected a record: Broker: Message size too large",
    );
    expect(deliveries.read(line)).toBeUndefined();
    expect(deliveries.acknowledged).toBe(0);
  });

  test.each([
    [
      "% ERROR: Topic orders [0] error: Broker: Leader not available",
      "kafkalab: Topic orders [0] error: Broker: Leader not available",
    ],
    ["% Enable message offset reporting with '-X topic.produce.offset.report=true'", undefined],
    ["", undefined],
    [
      "%3|1|FAIL|rdkafka#producer-1| Connect failed",
      "%3|1|FAIL|rdkafka#producer-1| Connect failed",
    ],
    [
      "ssh: connect to host 198.18.0.1 port 22: timed out",
      "ssh: connect to host 198.18.0.1 port 22: timed out",
    ],
  ])("of %j shows %j", (line, shown) => {
    expect(remarkIn(line)).toBe(shown);
  });
});

test.each([
  [[], 0],
  [["a\nb\n"], 2],
  [["a\nb"], 2],
  [["a", "b", "\n", "\n", "\n\nc"], 2],
  [["\n\n"], 0],
  [["a\n", "\n", "b"], 2],
  [["a", "\nb"], 2],
])("the input %j has %i lines with a text", (parts, lines) => {
  const count = new LineCount();
  parts.forEach((part) => count.read(Buffer.from(part)));
  expect(count.lines).toBe(lines);
});

describe("the host that runs a client", () => {
  const CLIENT = host("peter-client01", "10.20.0.50");
  const outputs = { bootstrapServers: INSIDE };
  const METADATA = JSON.stringify({
    ...{ controllerid: 1, brokers: [{ id: 1 }] },
    topics: [
      {
        topic: "orders",
        partitions: [{ partition: 0, leader: 1, replicas: [{ id: 1 }], isrs: [{ id: 1 }] }],
      },
    ],
  });

  test.each<[string, LabHost[], string[]]>([
    [
      "a host for clients",
      [...BROKERS, CLIENT],
      ["peter-client01", "peter-kafka01", "peter-kafka02"],
    ],
    ["otherwise the first broker", BROKERS, ["peter-kafka01", "peter-kafka02"]],
    [
      "that runs",
      [...BROKERS, { ...CLIENT, address: undefined }],
      ["peter-kafka01", "peter-kafka02"],
    ],
  ])("is %s", (_, hosts, names) => {
    expect(clientHosts(lab(outputs, hosts))).toEqual({ names, servers: INSIDE });
  });

  test.each<[string, ClientLab, string]>([
    [
      "is none in a paused lab",
      lab(outputs, BROKERS, { isPaused: true }),
      "kafkalab: the lab is paused: none of its brokers runs.\n  Start it: pulumi config set kafkalab:running true -s local; npm run up",
    ],
    [
      "has no brokers before the first up is complete",
      lab({}, BROKERS),
      "kafkalab: the stack local is not complete: it has no output bootstrapServers.\n  Complete it: npm run up",
    ],
  ])("%s", async (_, without, text) => {
    expect(await refusal(() => clientHosts(without))).toBe(text);
  });

  test("is the next one if SSH does not reach the first", async () => {
    fakeSsh(
      `[ "$host" = peter-kafka02 ] && echo '${METADATA}' && exit; echo timed out >&2; exit 255`,
    );
    expect(await findClient(lab(outputs, BROKERS), "orders")).toEqual({
      ...{ host: "peter-kafka02", directory: scratch, servers: INSIDE },
      security: { protocol: "PLAINTEXT" },
    });
  });

  test.each([
    [
      "SSH reaches none",
      "echo ssh: timed out >&2; exit 255",
      "kafkalab: no host answers.\n  peter-kafka01: ssh: timed out\n  peter-kafka02: ssh: timed out\n  See the state of the lab: npm run status",
    ],
    [
      "Kafka is down",
      "echo '% ERROR: Failed to acquire metadata: Local: Timed out' >&2; exit 1",
      "kafkalab: Kafka does not answer peter-kafka01: Failed to acquire metadata: Local: Timed out\n  See the state of the lab: npm run status",
    ],
  ])("is not found if %s", async (_, script, text) => {
    fakeSsh(script);
    expect(await refusal(() => findClient(lab(outputs, BROKERS), "orders"))).toBe(text);
  });

  test("says how to create a topic that does not exist", async () => {
    fakeSsh(`echo '${METADATA}'`);
    const text = await refusal(() => findClient(lab(outputs, [...BROKERS, CLIENT]), "clicks"));
    expect(text).toMatchInlineSnapshot(`
      "kafkalab: there is no topic clicks. The topics: orders
        Declare it with the setting kafkalab:topics, then run npm run up. Or create it by hand:
          npm run ssh -- peter-kafka01 /usr/local/kafka/bin/kafka-topics.sh --bootstrap-server peter-kafka01:9092 --create --topic clicks"
    `);
  });

  test("is asked for a topic", async () => {
    expect(topicOf(undefined, { topic: "peter-overview01" })).toBe("peter-overview01");
    expect(topicOf("orders", { topic: "peter-overview01" })).toBe("orders");
    expect(await refusal(() => topicOf(undefined, {}))).toBe(
      "kafkalab: the command needs the name of a topic: the lab has no topic of the smoke test yet.\n  Complete the lab: npm run up",
    );
    expect(unknownTopic("t", ["__consumer_offsets"], "peter-kafka01").message).toBe(
      "there is no topic t. There are no topics.",
    );
  });
});

describe("produce", () => {
  const client = (): RemoteClient => ({
    ...{ host: "peter-kafka01", directory: scratch, servers: INSIDE },
    security: { protocol: "PLAINTEXT" },
  });
  const wanted = { servers: INSIDE, topic: "orders" };
  /** An ssh that acknowledges each line, as kcat does. */
  const ACKNOWLEDGE =
    'n=0; while read -r line; do echo "$line" >>got; echo "% Message delivered to partition 0 (offset $((n++))) on broker 1" >&2; done';

  test("sends each line, and counts what Kafka has acknowledged", async () => {
    fakeSsh(`${ACKNOWLEDGE}; echo "$remote" >command`);
    const written = capture();
    const input = Readable.from([Buffer.from("a\nb"), Buffer.from("c\n")]);
    expect(await produce(client(), wanted, input)).toBe(0);
    expect(readFileSync(join(scratch, "got"), "utf8")).toBe("a\nbc\n");
    expect(readFileSync(join(scratch, "command"), "utf8").trim()).toBe(produceCommand(wanted));
    expect(written).toEqual({
      stdout:
        "Kafka has acknowledged 2 records of the topic orders.\nPARTITION  RECORDS  OFFSETS\n0                2  0-1\n",
      stderr: "",
    });
  });

  test("fails if Kafka rejects a record", async () => {
    fakeSsh("cat >/dev/null; echo '% Delivery failed for message: Broker: No' >&2; exit 1");
    const written = capture();
    expect(await produce(client(), wanted, Readable.from([Buffer.from("a\n")]))).toBe(1);
    expect(written).toEqual({
      stdout: "Kafka has acknowledged 0 records of the topic orders.\n",
      stderr:
        "kafkalab: Kafka has rejected a record: Broker: No\nkafkalab: Kafka has not acknowledged 1 record.\n",
    });
  });

  test("fails if a record has neither been acknowledged nor rejected", async () => {
    fakeSsh("cat >/dev/null");
    capture();
    expect(await produce(client(), wanted, Readable.from([Buffer.from("a\n")]))).toBe(1);
  });

  test("fails if the connection breaks", async () => {
    fakeSsh("read -r line; exit 255");
    const written = capture();
    expect(await produce(client(), wanted, Readable.from([Buffer.from("a\n")]))).toBe(1);
    expect(written.stderr).toContain("kafkalab: the connection to peter-kafka01 has ended.\n");
  });
});

describe("consume", () => {
  const client = (): RemoteClient => ({
    ...{ host: "peter-kafka01", directory: scratch, servers: INSIDE },
    security: { protocol: "PLAINTEXT" },
  });
  const wanted = { servers: INSIDE, topic: "orders" };

  test("ends with the command", async () => {
    fakeSsh('echo "$remote" >command');
    expect(await consume(client(), wanted)).toBe(0);
    expect(readFileSync(join(scratch, "command"), "utf8").trim()).toBe(
      endsWithInput(consumeCommand(wanted)),
    );
  });

  test("shows Kafka's error", async () => {
    fakeSsh("echo '% ERROR: Broker: Group authorization failed' >&2; exit 1");
    const written = capture();
    expect(await consume(client(), wanted)).toBe(1);
    expect(written.stderr).toBe("kafkalab: Broker: Group authorization failed\n");
  });

  test("ends the input of the command at a signal, and waits for the command", async () => {
    fakeSsh("echo up >&2; cat; echo left >&2");
    let written = "";
    vi.spyOn(process.stderr, "write").mockImplementation((text) => {
      written += String(text);
      if (written === "up\n") {
        process.emit("SIGINT", "SIGINT");
      }
      return true;
    });
    expect(await consume(client(), wanted)).toBe(130);
    expect(written).toBe("up\nleft\n");
  });
});

test("the Node.js program uses the release that the tests run on hosts", () => {
  const file = join(__dirname, "../clients/node/package.json");
  const { dependencies } = JSON.parse(readFileSync(file, "utf8")) as {
    dependencies: Record<string, string>;
  };
  expect(Object.entries(dependencies).map((pair) => pair.join("@"))).toEqual([NODE_CLIENT]);
});
