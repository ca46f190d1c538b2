import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { secured } from "../../cli/clients/secured-command";
import { type ClientSecurity, type Identity, securityOutput } from "../../cli/clients/security";
import { listenerPort } from "../../components/lib/kafka-listeners";
import { ADMIN_PROPERTIES, kcat, REPLICATION_PORT } from "../../shared/kafka-contact";
import { Client, clientBootstrap, CLIENTS, expectExact, HOST_CLIENTS } from "../support/clients";
import { type Host, hostOf, quote } from "../support/host";
import { type Lab, type Settings, useLab } from "../support/lab";
import { TestCa } from "../support/pki";
import { clientAcls, clientSecurity, may } from "../support/secured-lab";
import { run } from "../support/run";
import { Tunnel } from "../support/tunnel";

/*
 * Who gets in, by listener and by mode, with what the client sees; and each client program in each mode. In
 * both topologies. Each test starts from what the one before it left.
 */

// On two cores, a lab of nine hosts.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 900_000 });

type Mode = "tls" | "sasl";
const MODES: Mode[] = ["tls", "sasl"];

/** As whom a client program connects. */
const userOf = (client: string) => (client === "node" ? "nora" : "alice");
const SETTINGS: Settings = {
  ...{ zookeeperNodes: 1, brokers: 1, replicationFactor: 1, clients: 1 },
  users: ["alice", "bob", "carol", "nora"],
  acls: [
    ...clientAcls("alice"),
    // The client for Node.js begins transactions with a version of the request that brokers use.
    ...clientAcls("nora"),
    may("nora", { resource: "cluster", operations: ["cluster-action"] }),
    may("carol", { resource: "topic", prefix: "open-" }),
    may("carol", { resource: "topic", name: "open-secret", permission: "deny" }),
  ],
};
const TOPICS = ["clients-probe", "open-one", "open-secret"];

/** A host, or this machine. */
type Where = Host | "here";
/** Where a client is, and the brokers that it asks. */
interface Place {
  where: Where;
  servers: string;
}

/** A try of a client to write a record and to read it again. */
interface Attempt {
  security: ClientSecurity;
  topic: string;
  /** The client asks by a name that no certificate has. */
  byWrongName?: boolean;
}

/** What everybody has who tries. */
interface Cast {
  ca: string;
  users: z.infer<typeof securityOutput>["users"];
  foreign: TestCa;
  foreignAlice: Identity;
  expiredAlice: Identity;
}

/** A port of the loopback interface that leads to the server, under a name that no certificate has. */
const WRONG_NAME = "127.0.0.9";
const RELAY = `import socket, sys, threading
host, port = sys.argv[1].rsplit(":", 1)
server = socket.create_server(("${WRONG_NAME}", int(port)))
print("ready", flush=True)
def pump(source, target):
    while data := source.recv(65536):
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)
while True:
    client, _ = server.accept()
    broker = socket.create_connection((host, int(port)))
    for pair in ((client, broker), (broker, client)):
        threading.Thread(target=pump, args=pair, daemon=True).start()
`;

/** Runs the relay while the command of the shell runs. */
const relayed = (server: string, command: string) =>
  [
    "relay=$(mktemp) && cat >\"$relay\" <<'RELAY'",
    `${RELAY}RELAY`,
    `coproc python3 "$relay" ${server}; read -r _ <&"\${COPROC[0]}"`,
    command,
    'status=$?; kill "$COPROC_PID"; rm "$relay"; exit $status',
  ].join("\n");

/** A record that is written and read again, or what kcat says. */
async function attempt({ where, servers }: Place, tried: Attempt): Promise<string> {
  const { security, topic, byWrongName = false } = tried;
  const [server = ""] = servers.split(",");
  const asked = byWrongName ? `${WRONG_NAME}:${server.split(":").at(-1)}` : server;
  const probe = `probe-${Math.random()}`;
  const base = `timeout 20 kcat -b ${asked} -t ${topic} -p 0`;
  const write = `echo ${probe} | ${base} -P -X acks=all -X message.timeout.ms=6000`;
  const read = `${base} -C -e -q -o -1 </dev/null`;
  const command = secured(security, `${write} && ${read}`);
  const script = byWrongName ? relayed(server, command.script) : command.script;
  const options = { input: command.input, timeoutSeconds: 60 };
  const { output } = await (where === "here"
    ? run(["bash", "-c", script], options)
    : where.try(`bash -c ${quote(script)}`, options));
  const isRead = output.endsWith(`${probe}\n`) && !/% (ERROR|Delivery failed)/.test(output);
  return isRead ? "gets in" : output;
}

const tls = (cast: Cast, user: string, identity = identityOf(cast, user)): ClientSecurity =>
  ({ protocol: "SSL", ca: cast.ca, user, identity }) as ClientSecurity;

const sasl = (cast: Cast, user: string, password?: string): ClientSecurity => ({
  ...{ protocol: "SASL_SSL", ca: cast.ca, user },
  password: password ?? cast.users[user]?.password ?? "",
});

function identityOf({ users }: Cast, user: string): Identity | undefined {
  const { certificate, key } = users[user] ?? {};
  return certificate === undefined || key === undefined ? undefined : { certificate, key };
}

/** What each attempt must end with; the messages are those of kcat. */
type Case = [what: string, tried: (cast: Cast) => Attempt, seen: string | RegExp];

const on = (security: ClientSecurity, topic = "clients-probe"): Attempt => ({ security, topic });
const UNAUTHORIZED = /Topic authorization failed/;
const NOT_VERIFIED = /certificate verify failed/;

/** The same for everybody who is let in: what the ACLs say. */
const aclCases = (as: (cast: Cast, user: string) => ClientSecurity): Case[] => [
  ["the right user", (cast) => on(as(cast, "alice")), "gets in"],
  ["a user without ACLs", (cast) => on(as(cast, "bob")), UNAUTHORIZED],
  ["a user with an ACL for the prefix", (cast) => on(as(cast, "carol"), "open-one"), "gets in"],
  ["the same outside the prefix", (cast) => on(as(cast, "carol")), UNAUTHORIZED],
  ["a denial within the prefix", (cast) => on(as(cast, "carol"), "open-secret"), UNAUTHORIZED],
];

/** The same for every mode: the client does not trust the broker. */
const distrustCases = (as: (cast: Cast, user: string) => ClientSecurity): Case[] => [
  [
    "a client that trusts another CA",
    (cast) => on({ ...as(cast, "alice"), ca: cast.foreign.certificate } as ClientSecurity),
    NOT_VERIFIED,
  ],
  [
    "a name that the certificate has not",
    (cast) => ({ ...on(as(cast, "alice")), byWrongName: true }),
    NOT_VERIFIED,
  ],
  [
    "a client without TLS",
    () => on({ protocol: "PLAINTEXT" }),
    /Disconnected|timed out|Connection reset/i,
  ],
];

const CASES: Record<Mode, Case[]> = {
  tls: [
    ...aclCases(tls),
    ...distrustCases(tls),
    [
      "no certificate",
      (cast) => on({ ...tls(cast, "alice"), identity: undefined } as never),
      /certificate required|bad certificate|handshake failure/,
    ],
    [
      "a certificate of another CA",
      (cast) => on(tls(cast, "alice", cast.foreignAlice)),
      /certificate unknown|unknown ca|bad certificate/,
    ],
    [
      "a certificate that has ended",
      (cast) => on(tls(cast, "alice", cast.expiredAlice)),
      /certificate (expired|unknown)/,
    ],
    [
      "a password",
      (cast) => on(sasl(cast, "alice", "some password")),
      /Disconnected|handshake|alert/i,
    ],
  ],
  sasl: [
    ...aclCases(sasl),
    ...distrustCases(sasl),
    [
      "a wrong password",
      (cast) => on(sasl(cast, "alice", "not the password")),
      /invalid credentials/,
    ],
    [
      "an unknown user",
      (cast) => on(sasl(cast, "mallory", "some password")),
      /invalid credentials/,
    ],
    [
      "a certificate, without a password",
      (cast) => on(tls(cast, "alice", cast.foreignAlice)),
      /Disconnected|timed out|handshake/i,
    ],
  ],
};

/** What the brokers' own listener asks for in every mode: a certificate. */
const REPLICATION_CASES = CASES.tls.filter(([what]) => !/ACL|prefix/.test(what));

describe.each(["public", "private"])("%s topology", (topology) => {
  const settings = { ...SETTINGS, topology };
  let tunnel: Tunnel | undefined;
  let cast: Cast;

  const lab = useLab(`security-${topology}`, async (lab) => {
    lab.upSeconds = 3600; // the tunnel lasts as long as the tests
    await changeTo(lab, "tls");
    const broker = hostOf(await lab.hosts(), "peter-kafka01");
    for (const topic of TOPICS) {
      const options = `--command-config ${ADMIN_PROPERTIES} --create --topic ${topic}`;
      await broker.run(
        `/usr/local/kafka/bin/kafka-topics.sh --bootstrap-server peter-kafka01:${REPLICATION_PORT} ${options}`,
      );
    }
  });

  beforeAll(async () => {
    const [foreign, own] = [await TestCa.foreign(), await TestCa.ofLab(lab)];
    const { ca, users } = await clientSecurity(lab);
    cast = {
      ...{ ca, users, foreign },
      foreignAlice: await foreign.issue("alice"),
      expiredAlice: await own.issue("alice", -1),
    };
    own.dispose();
  });

  afterAll(async () => {
    cast?.foreign.dispose();
    await closeTunnel();
  });

  async function closeTunnel(): Promise<void> {
    await tunnel?.close();
    tunnel = undefined;
  }

  async function changeTo(lab: Lab, security: unknown): Promise<void> {
    await closeTunnel();
    lab.configure({ ...settings, security });
    await lab.up();
    if (topology === "private") {
      tunnel = await Tunnel.open(lab);
    }
  }

  async function placeOf(name: string): Promise<Place> {
    const hosts = await lab.hosts();
    const places: Record<string, () => Promise<Place>> = {
      "from outside": async () => ({ where: "here", servers: await clientBootstrap(lab) }),
      "from a client host": async () => ({
        where: hostOf(hosts, "peter-client01"),
        servers: (await lab.stackOutputs()).bootstrapServers,
      }),
      "at the brokers' own listener": () =>
        Promise.resolve({
          where: hostOf(hosts, "peter-kafka01"),
          servers: `peter-kafka01:${REPLICATION_PORT}`,
        }),
    };
    const place = places[name];
    if (place === undefined) {
      throw new Error(`no place ${name}`);
    }
    return place();
  }

  function expectSeen(found: string, seen: string | RegExp): void {
    if (typeof seen === "string") {
      expect(found).toBe(seen);
    } else {
      expect(found).toMatch(seen);
    }
  }

  describe.each(MODES)("in %s", (mode) => {
    beforeAll(async () => {
      if (mode === "sasl") {
        await changeTo(lab, { from: "tls", to: "sasl" });
        await changeTo(lab, "sasl");
        const { ca, users } = await clientSecurity(lab);
        // The certificates of before are still valid.
        const all = Object.entries(users).map(([user, its]) => [
          user,
          { ...cast.users[user], ...its },
        ]);
        cast = { ...cast, ca, users: Object.fromEntries(all) as Cast["users"] };
      }
    });

    describe.each(["from outside", "from a client host"])("%s", (name) => {
      test.each(CASES[mode])("%s", async (_, tried, seen) => {
        expectSeen(await attempt(await placeOf(name), tried(cast)), seen);
      });
    });

    describe("at the brokers' own listener", () => {
      const name = "at the brokers' own listener";

      test.each(REPLICATION_CASES)("%s", async (_, tried, seen) => {
        const place = await placeOf(name);
        expectSeen(await attempt(place, tried(cast)), seen);
      });

      test("nobody outside the brokers reaches it", async () => {
        const client = hostOf(await lab.hosts(), "peter-client01");
        const { status } = await client.try(
          `timeout 5 bash -c '</dev/tcp/peter-kafka01/${REPLICATION_PORT}'`,
        );
        expect(status).not.toBe(0);
      });

      test("only root and the brokers read the lab's own certificate", async () => {
        const { where } = await placeOf(name);
        const tool = `${kcat([`peter-kafka01:${REPLICATION_PORT}`]).join(" ")} -L`;
        expect(await (where as Host).run(tool)).toContain("clients-probe");
        const asOther = `sudo -n runuser -u nobody -- ${tool}`;
        expect((await (where as Host).try(asOther)).output).toContain("Permission denied");
      });
    });

    test.each(CLIENTS)("%s on this machine", async (name) => {
      const client = await Client.here(name);
      const security = (mode === "tls" ? tls : sasl)(cast, userOf(name));
      expectExact(await client.run(lab, await clientBootstrap(lab), { security }));
    });

    test.each(HOST_CLIENTS)("%s on a client host", async (name) => {
      const { where, servers } = await placeOf("from a client host");
      const client = await Client.on(where as Host, name);
      const security = (mode === "tls" ? tls : sasl)(cast, userOf(name));
      expectExact(await client.run(lab, servers, { security }));
    });
  });

  describe("on the way to plaintext", () => {
    beforeAll(() => changeTo(lab, { from: "sasl", to: "plaintext" }));

    const plain = (place: Place) => ({
      ...place,
      servers: place.servers.replace(
        /:\d+$/,
        `:${listenerPort(place.where === "here" ? "client" : "inside", "plaintext")}`,
      ),
    });
    const places =
      topology === "public" ? ["from outside", "from a client host"] : ["from a client host"];

    test.each(places)("%s, everybody gets in at the plaintext listener", async (name) => {
      const attempted = attempt(plain(await placeOf(name)), on({ protocol: "PLAINTEXT" }));
      expect(await attempted).toBe("gets in");
    });

    test.each(places)("%s, nobody speaks TLS to the plaintext listener", async (name) => {
      const attempted = attempt(plain(await placeOf(name)), on(sasl(cast, "alice")));
      expect(await attempted).toMatch(/in state SSL_HANDSHAKE|SSL handshake failed|Disconnected/);
    });
  });
});
