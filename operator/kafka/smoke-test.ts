/*
 * Proves that a cluster works: sends one unique message through the first broker and reads it through
 * the last.
 */
import { randomInt } from "node:crypto";
import { type Hosts, hostOf, RemoteError, type RemoteHost, type RunOptions } from "../host";
import { report } from "../progress";
import type { SmokeTestWish } from "../wish";
import { kcat } from "../../shared/kafka-contact";
import { type Look, waitFor } from "../../shared/wait";
import { metadata, NoAnswer, tool, ToolError } from "./client";
import type { Metadata, Partition } from "./metadata";
import { placeNewReplicas } from "./new-replicas";
import { refusalIn, type Refusal } from "./smoke-refusals";
import { collisionOf, sizesOf } from "./topic-plan";

const TOPIC_SECONDS = 60;
const MESSAGE_SECONDS = 60;
const PRODUCE_SECONDS = 30;
const CONSUME_SECONDS = 15;
const BROKER_LOGS = "journalctl -u kafka-server on each broker";
/** A compacted topic rejects a message without a key. */
const KEY = "smoke-test";

/** The result of a smoke test. */
export interface SmokeTestResult {
  /** The unique message that the test sent and read back. */
  message: string;
  partition: number;
  offset: number;
  /** Broker id of the partition's leader. */
  leader: number;
  inSyncReplicas: readonly number[];
}

/**
 * Sends a message and reads it back. Creates the topic if it does not exist. Each run adds one message.
 *
 * @throws Error if the test cannot read the message back in time.
 */
export async function runSmokeTest(wish: SmokeTestWish, hosts: Hosts): Promise<SmokeTestResult> {
  const test = new SmokeTest(wish, hosts);
  await test.createTopic();
  const { leader, inSync } = await test.replicasInSync();
  const message = `smoke-${Date.now()}-${randomInt(2 ** 47)}`;
  const offset = await test.passed(message);
  return { message, partition: 0, offset, leader, inSyncReplicas: inSync };
}

/** A broker, and the connection to its host. */
interface Server {
  host: RemoteHost;
  /** `host:port` */
  server: string;
}

class SmokeTest {
  private readonly first: Server;
  private readonly last: Server;

  constructor(
    private readonly wish: SmokeTestWish,
    hosts: Hosts,
  ) {
    const [first, last] = [wish.brokers[0], wish.brokers.at(-1)];
    if (first === undefined || last === undefined) {
      throw new Error("a cluster must have a broker");
    }
    this.first = { host: hostOf(hosts, first.host), server: first.server };
    this.last = { host: hostOf(hosts, last.host), server: last.server };
  }

  async createTopic(): Promise<void> {
    const { topic, replicationFactor, brokers } = this.wish;
    const known = await waitFor(
      { what: "topics", state: "known", seconds: TOPIC_SECONDS, logs: BROKER_LOGS },
      () => this.ask((done) => ({ done })),
    );
    const sizes = sizesOf(known);
    if (sizes.has(topic)) {
      return;
    }
    const collision = collisionOf(topic, sizes.keys());
    if (collision !== undefined) {
      throw new Error(collision);
    }
    report(`${this.first.host.name}: creating topic ${topic}`);
    const wanted = { name: topic, partitions: 1, replicationFactor };
    const assignment = placeNewReplicas([wanted], known, brokers)?.get(topic);
    const size =
      assignment === undefined
        ? ["--partitions", "1", "--replication-factor", String(replicationFactor)]
        : ["--replica-assignment", assignment];
    await this.tool("kafka-topics.sh", ["--create", "--if-not-exists", "--topic", topic, ...size]);
  }

  /** Waits until all replicas of the first partition are in sync. */
  replicasInSync(): Promise<Partition> {
    const { topic } = this.wish;
    return waitFor(
      {
        what: `replicas of ${topic}`,
        state: "in sync",
        seconds: TOPIC_SECONDS,
        logs: BROKER_LOGS,
      },
      () =>
        this.ask(({ partitions }): Look<Partition> => {
          const found = partitions.find((each) => each.topic === topic && each.partition === 0);
          if (found === undefined) {
            return { seen: "no partition 0" };
          }
          const { leader, replicas, inSync } = found;
          return leader >= 0 && inSync.length === replicas.length
            ? { done: found }
            : {
                seen: `partition 0, leader ${leader}, replicas: ${replicas.join()}, isrs: ${inSync.join()}`,
              };
        }),
    );
  }

  /**
   * Sends the message and reads it back. If the topic's configuration rejects or loses the message, sets
   * another value for that key of the topic and sends the message again.
   *
   * @returns The offset of the message.
   */
  async passed(message: string): Promise<number> {
    const remedied = new Set<Refusal>();
    for (;;) {
      const sent = await this.produced(message, remedied);
      const read = typeof sent === "number" ? await this.consumed(message, sent, remedied) : sent;
      if (typeof read === "number") {
        return read;
      }
      remedied.add(read);
      await this.remedy(read);
    }
  }

  /** Sends the message, acknowledged by all in-sync replicas. */
  private produced(message: string, remedied: ReadonlySet<Refusal>): Promise<number | Refusal> {
    const { topic } = this.wish;
    const wait = { what: `message ${message}`, state: "acknowledged" };
    return this.awaitMessage(wait, async (): Promise<Look<number | Refusal>> => {
      const text = await runKcat(
        this.first,
        [
          ...["-P", "-vvv", "-t", topic, "-p", "0", "-k", KEY],
          ...["-X", "acks=all", "-X", "message.timeout.ms=20000"],
          // Report a refusal at once, and do not create the topic if somebody has deleted it.
          ...["-X", "message.send.max.retries=0", "-X", "allow.auto.create.topics=false"],
        ],
        { input: message, seconds: PRODUCE_SECONDS },
      );
      const offset = /delivered to partition 0 \(offset (\d+)\)/.exec(text)?.[1];
      return offset !== undefined
        ? { done: Number(offset) }
        : (refused(text, remedied) ?? { seen: `the producer's report "${lastLine(text)}"` });
    });
  }

  /** Reads the offset through the last broker until it holds the message. */
  private consumed(
    message: string,
    offset: number,
    remedied: ReadonlySet<Refusal>,
  ): Promise<number | Refusal> {
    const { topic } = this.wish;
    const { server } = this.last;
    const wait = { what: `message ${message}`, state: `read through ${server}` };
    return this.awaitMessage(wait, async (): Promise<Look<number | Refusal>> => {
      const text = await runKcat(
        this.last,
        [
          ...["-C", "-q", "-t", topic, "-p", "0", "-o", String(offset)],
          // Without this kcat would wait for a later message if the offset is out of range.
          ...["-c", "1", "-e", "-X", "topic.auto.offset.reset=error"],
        ],
        { seconds: CONSUME_SECONDS },
      );
      return text.trimEnd() === message
        ? { done: offset }
        : (refused(text, remedied) ?? { seen: `"${text.trim()}" at offset ${offset}` });
    });
  }

  private awaitMessage<Found>(
    wait: { what: string; state: string },
    look: () => Promise<Look<Found>>,
  ): Promise<Found> {
    return waitFor({ ...wait, seconds: MESSAGE_SECONDS, logs: BROKER_LOGS }, look);
  }

  private async remedy({ reason, config }: Refusal): Promise<void> {
    const { topic } = this.wish;
    const { replicas } = await this.replicasInSync();
    const pairs = config(replicas.length);
    report(`${this.first.host.name}: setting ${pairs} for topic ${topic}; it was: ${reason}`);
    await this.tool("kafka-configs.sh", [
      ...["--entity-type", "topics", "--entity-name", topic, "--alter", "--add-config", pairs],
    ]);
  }

  private async ask<Found>(read: (known: Metadata) => Look<Found>): Promise<Look<Found>> {
    const { host, server } = this.last;
    try {
      return read(await metadata(host, [server]));
    } catch (error) {
      if (error instanceof NoAnswer) {
        return { seen: error.message };
      }
      throw error;
    }
  }

  private async tool(name: string, args: readonly string[]): Promise<void> {
    try {
      await tool(this.first.host, name, args, { servers: [this.first.server] });
    } catch (error) {
      throw error instanceof ToolError
        ? new Error(`topic "${this.wish.topic}": ${error.message}; logs: ${BROKER_LOGS}`)
        : error;
    }
  }
}

/** A remark of kcat about its configuration, which it makes at every start. */
const REMARK = /^% Reading configuration from file .*\n/gm;

/** Returns the stdout and stderr of `kcat`: it reports on both, even if it fails. */
async function runKcat(
  { host, server }: Server,
  args: readonly string[],
  options: RunOptions,
): Promise<string> {
  try {
    const command = ["sh", "-c", 'exec "$0" "$@" 2>&1', ...kcat([server]), ...args];
    return (await host.exec(command, options)).replace(REMARK, "");
  } catch (error) {
    return error instanceof RemoteError
      ? error.stdout.replace(REMARK, "")
      : (error as Error).message;
  }
}

/** Returns the refusal in a report, unless the test has already set another value for it. */
function refused(text: string, remedied: ReadonlySet<Refusal>): { done: Refusal } | undefined {
  const refusal = refusalIn(text);
  return refusal === undefined || remedied.has(refusal) ? undefined : { done: refusal };
}

const lastLine = (text: string) => text.trim().split("\n").at(-1) ?? "";
