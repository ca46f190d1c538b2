import { randomUUID } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "vitest";
import { z } from "zod";
import type { ClientSecurity } from "../../cli/clients/security";
import { Session } from "../../cli/drill/session";
import { bootstrap, REPLICATION_PORT } from "../../shared/kafka-contact";
import { type Host, hostOf, quote } from "./host";
import { type Lab, root } from "./lab";
import { lastLine, must, waitFor } from "./run";

/** The client programs of test/clients. */
export const CLIENTS = ["python", "node", "go", "java", "kcat"] as const;

/** Those that run on a client host, whose tools they use. */
export const HOST_CLIENTS = ["python", "java", "kcat"] as const;

/** The number of records of one run. */
export const RECORDS = 10_000;

/** A job that copies a topic in transactions. It only runs until it is told to stop, on this machine. */
export const EXACTLY_ONCE = "exactly-once";

export type ClientName = (typeof CLIENTS)[number] | typeof EXACTLY_ONCE;

/** With an installation that is missing, and on a busy machine. */
const PREPARE_SECONDS = 300;
const RUN_SECONDS = 300;
/** A client that is told to stop waits for its records: see LIMIT_SECONDS of the programs. */
const STOP_SECONDS = 300;
const FLOW_SECONDS = 120;
/** What a lasting client sends unless a test says otherwise. */
const PER_SECOND = 200;

/** What a client counted, by its own account. */
const counts = {
  client: z.enum([...CLIENTS, EXACTLY_ONCE]),
  version: z.string().min(1),
  produced: z.int(),
  acknowledged: z.int(),
  consumed: z.int(),
  distinct: z.int(),
  duplicates: z.int(),
  /** Records that were acknowledged and not read. */
  lost: z.int(),
  /** How often the client reported an error, by its name. */
  errors: z.record(z.string(), z.int()),
};

const Once = z.strictObject({
  ...counts,
  withHeaders: z.int(),
  /** The sum of the group's offsets; null if the client cannot ask for them. */
  committed: z.int().nullable(),
  /** Records that a second run of the group read again. */
  again: z.int(),
  /** What was written in transactions, and what readers saw of it; null if the client has none. */
  transaction: z
    .strictObject({
      committed: z.int(),
      aborted: z.int(),
      readCommitted: z.int(),
      readUncommitted: z.int(),
    })
    .nullable(),
});

const Lasting = z.strictObject({
  ...counts,
  /** The longest time between two records that the client read. */
  longestPauseMs: z.int(),
});

/** The result of one run. */
export type OnceReport = z.infer<typeof Once>;

/** The result of a client that ran until it was told to stop. */
export type LastingReport = z.infer<typeof Lasting>;

/** How a client connects. */
export interface ClientOptions {
  /** @default PLAINTEXT */
  security?: ClientSecurity;
  /** How many records a lasting client in Python sends in a second. @default 200 */
  perSecond?: number;
}

/** Where a client program runs. */
interface Place {
  /** The command with these variables and options. */
  argv(environment: string[], ...options: string[]): string[];
  /** Creates a file that only the program's user can read, and returns its path. */
  createFile(text: string): Promise<string>;
  removeFile(path: string): Promise<void>;
}

/** A client program, on this machine or on a host of the lab. */
export class Client {
  private constructor(
    readonly name: ClientName,
    private readonly place: Place,
  ) {}

  /** A client on this machine, outside of all hosts. Installs what it needs. */
  static async here(name: ClientName): Promise<Client> {
    const prepare = join(root, "test/clients/prepare.sh");
    const printed = await must([prepare, name], { timeoutSeconds: PREPARE_SECONDS });
    const command = printed.trim().split("\n");
    return new Client(name, {
      argv: (environment, ...options) => ["env", ...environment, ...command, ...options],
      createFile: (text) => {
        const path = join(mkdtempSync(join(tmpdir(), "kafkalab-client-")), "security.json");
        writeFileSync(path, text, { mode: 0o600 });
        return Promise.resolve(path);
      },
      removeFile: (path) => Promise.resolve(rmSync(dirname(path), { recursive: true })),
    });
  }

  /** A client on a host, with the tools of that host. */
  static async on(host: Host, name: (typeof HOST_CLIENTS)[number]): Promise<Client> {
    const folder = join(root, "test/clients/python");
    for (const file of readdirSync(folder).filter((each) => each.endsWith(".py"))) {
      const input = readFileSync(join(folder, file), "utf8");
      await host.run(`mkdir -p clients && cat > clients/${file}`, { input });
    }
    const program = name === "python" ? "confluent" : name;
    return new Client(name, {
      argv: (environment, ...options) => [
        ...host.sshArguments(),
        ["env", ...environment, "python3", `clients/${program}.py`, ...options]
          .map(quote)
          .join(" "),
      ],
      createFile: async (text) => {
        const create = "umask 077; file=$(mktemp) && cat >$file && echo $file";
        return (await host.run(create, { input: text })).trim();
      },
      removeFile: async (path) => void (await host.run(`rm ${quote(path)}`)),
    });
  }

  /** Produces, consumes twice in a group and uses transactions, on topics of its own. */
  async run(lab: Lab, bootstrap: string, options: ClientOptions = {}): Promise<OnceReport> {
    const setting = await this.prepare(lab, bootstrap, options);
    try {
      const argv = this.place.argv([...setting.environment, `RECORDS=${RECORDS}`]);
      const printed = await must(argv, { timeoutSeconds: RUN_SECONDS });
      return Once.parse(JSON.parse(lastLine(printed)));
    } finally {
      await setting.cleanUp();
    }
  }

  /** Starts to produce and to consume, and waits until the first record has been read. */
  async start(lab: Lab, bootstrap: string, options: ClientOptions = {}): Promise<LastingClient> {
    const setting = await this.prepare(lab, bootstrap, options);
    try {
      const argv = this.place.argv(setting.environment, "--during");
      const session = new Session(`client ${this.name}`, argv);
      await session.line('"flowing"', FLOW_SECONDS);
      return new LastingClient(session, lab, setting);
    } catch (error) {
      await setting.cleanUp();
      throw error;
    }
  }

  /** Gives the client a topic of its own, and what it needs to connect. */
  private async prepare(
    lab: Lab,
    bootstrap: string,
    { security = { protocol: "PLAINTEXT" }, perSecond = PER_SECOND }: ClientOptions,
  ): Promise<ClientSetting> {
    const topic = `clients-${this.name}-${randomUUID()}`;
    const isSecured = security.protocol !== "PLAINTEXT";
    if (this.name === "kcat") {
      await createTopic(lab, topic, isSecured);
    }
    const file = isSecured ? await this.place.createFile(securityJson(security)) : undefined;
    return {
      ...{ topic, isSecured },
      environment: [
        ...[`BOOTSTRAP=${bootstrap}`, `TOPIC=${topic}`, `GROUP=${topic}`],
        ...(file === undefined ? [] : [`SECURITY=${file}`]),
        `PER_SECOND=${perSecond}`,
      ],
      cleanUp: async () => {
        if (file !== undefined) {
          await this.place.removeFile(file);
        }
      },
    };
  }
}

/** What a run of a client uses. */
interface ClientSetting {
  topic: string;
  isSecured: boolean;
  /** Variables of the client program. */
  environment: string[];
  /** Removes what the client has needed. */
  cleanUp(): Promise<void>;
}

/** The file SECURITY of the client programs. */
function securityJson(security: Exclude<ClientSecurity, { protocol: "PLAINTEXT" }>): string {
  const { protocol, ca, user, identity } = security;
  const login = protocol === "SASL_SSL" ? { username: user, password: security.password } : {};
  return JSON.stringify({ protocol, ca, ...identity, ...login });
}

/** Creates a topic for a client that cannot create it itself. The brokers create none for a producer. */
async function createTopic(lab: Lab, topic: string, isSecured: boolean): Promise<void> {
  const options = `--create --topic ${topic} --partitions 6`;
  await onBroker(lab, "kafka-topics.sh", options, isSecured);
}

/** Runs one of Kafka's tools on a broker's host, as the lab itself does it. */
async function onBroker(
  lab: Lab,
  tool: string,
  options: string,
  isSecured: boolean,
): Promise<string> {
  const broker = hostOf(await lab.hosts(), "peter-kafka01");
  const servers = [`peter-kafka01:${isSecured ? REPLICATION_PORT : 9092}`];
  return broker.run(`/usr/local/kafka/bin/${tool} ${bootstrap(servers).join(" ")} ${options}`);
}

/** A client that produces and consumes until it is told to stop. */
export class LastingClient {
  constructor(
    private readonly session: Session,
    private readonly lab: Lab,
    private readonly setting: ClientSetting,
  ) {}

  /** Waits until the client has written more records, for example after the brokers were away. */
  async goesOn(): Promise<void> {
    const before = await this.written();
    await waitFor(this.session.what, "writing again", FLOW_SECONDS, async () => {
      const now = await this.written();
      return now > before ? {} : `${now} records, as before`;
    });
  }

  /** Ends the client, if it still runs. */
  kill(): void {
    this.session.drop();
  }

  /** The number of records in its topic. */
  private async written(): Promise<number> {
    const { topic, isSecured } = this.setting;
    const tool = "kafka-get-offsets.sh";
    const offsets = await onBroker(this.lab, tool, `--topic ${topic}`, isSecured);
    const ofPartitions = offsets
      .trim()
      .split("\n")
      .map((line) => Number(line.split(":")[2]));
    return ofPartitions.reduce((sum, offset) => sum + offset, 0);
  }

  /** Stops producing, waits for what was acknowledged, and returns the counts. */
  async stop(): Promise<LastingReport> {
    const status = await this.session.end(STOP_SECONDS);
    await this.setting.cleanUp();
    if (status !== 0) {
      throw new Error(`${this.session.what} ended with ${status}: ${this.session.lastSeen()}`);
    }
    const report = Lasting.parse(JSON.parse(this.session.lines.at(-1) ?? ""));
    process.stderr.write(`client: ${JSON.stringify(report)}\n`);
    return report;
  }
}

/** Where clients outside of the VPC find the brokers, by the program's outputs. */
export async function clientBootstrap(lab: Lab): Promise<string> {
  const outputs = z.object({ clientBootstrapServers: z.string() }).parse(await lab.stackOutputs());
  return outputs.clientBootstrapServers;
}

/** Expects that a client on a whole cluster has everything exactly once, and no error. */
export function expectExact(report: OnceReport): void {
  process.stderr.write(`client: ${JSON.stringify(report)}\n`);
  const transacts = ["python", "node", "go"].includes(report.client);
  expect(report).toEqual({
    client: report.client,
    version: report.version,
    ...{ produced: RECORDS, acknowledged: RECORDS, consumed: RECORDS, distinct: RECORDS },
    ...{ duplicates: 0, lost: 0, withHeaders: RECORDS, again: 0, errors: {} },
    committed: report.client === "kcat" ? null : RECORDS,
    transaction: transacts
      ? { committed: 120, aborted: 60, readCommitted: 120, readUncommitted: 180 }
      : null,
  });
}

/** Expects that a client has lost nothing. It may have seen errors, and records more than once. */
export function expectNothingLost(
  report: LastingReport,
  seconds: number,
  perSecond = PER_SECOND,
): void {
  expect(report.lost, JSON.stringify(report)).toBe(0);
  // Less than were sent, because a client waits while no leader is there.
  expect(report.acknowledged, JSON.stringify(report)).toBeGreaterThan((seconds * perSecond) / 2);
}
