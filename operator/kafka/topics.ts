/*
 * Changes topics until they match the wish. Messages are lost only when the wish deletes their topic.
 */
import { atMost, failuresOf } from "../../shared/at-most";
import { messageOf } from "../../shared/message-of";
import { type Hosts, hostOf, type RemoteHost } from "../host";
import { report } from "../progress";
import { type TopicsWish, type TopicWish } from "../wish";
import { waitFor } from "../../shared/wait";
import { metadata, NoAnswer, tool, ToolError, type ToolOptions } from "./client";
import { type Configs, readConfigs } from "./configs";
import type { Metadata } from "./metadata";
import { placeNewReplicas } from "./new-replicas";
import {
  checkTopics,
  type ConfigChange,
  planTopics,
  sizesOf,
  type TopicSize,
  type TopicStep,
} from "./topic-plan";

const TOPIC_SECONDS = 60;
const BROKER_LOGS = "journalctl -u kafka-server on each broker";
/** Each tool starts a JVM, which keeps one core of a broker's host busy for a second. */
const TOOLS_AT_ONCE = 4;
/** The second attempt checks the first one. The third corrects changes that other clients made meanwhile. */
const ATTEMPTS = 3;

/**
 * Creates, takes over, changes and deletes topics. Checks all of them first.
 *
 * @throws Error before any change if a wanted change is impossible.
 */
export async function runTopics(wish: TopicsWish, hosts: Hosts): Promise<void> {
  const cluster = new Topics(wish, hosts);
  for (let attempt = 1; ; attempt++) {
    const known = await cluster.look();
    cluster.check(known, attempt === 1);
    const steps = await cluster.plan(known);
    if (steps.length === 0) {
      return;
    }
    if (attempt > ATTEMPTS) {
      const names = steps.map(({ topic }) => topic.name).join(", ");
      throw new Error(`topics not as wanted after ${ATTEMPTS} attempts: ${names}`);
    }
    await cluster.perform(steps, known);
    await cluster.awaitSizes(steps, known);
    // Another client, or automatic topic creation, may have created the topic first with another size.
    if (!steps.some(({ kind }) => kind === "create")) {
      return;
    }
  }
}

/**
 * Returns the steps that {@link runTopics} would take, one line each. Changes nothing.
 *
 * @throws Error if a wanted change is impossible.
 */
export async function planTopicChanges(wish: TopicsWish, hosts: Hosts): Promise<string[]> {
  const cluster = new Topics(wish, hosts);
  const known = await cluster.look();
  cluster.check(known, true);
  const steps = await cluster.plan(known);
  return steps.map(
    ({ kind, topic }) => `${kind === "shape" ? "change" : kind} topic ${topic.name}`,
  );
}

class Topics {
  private readonly servers: string[];
  private readonly hosts: RemoteHost[];
  private readonly host: RemoteHost;

  constructor(
    private readonly wish: TopicsWish,
    hosts: Hosts,
  ) {
    const { brokers } = wish;
    this.servers = brokers.slice(0, 3).map(({ server }) => server);
    this.hosts = brokers.map((broker) => hostOf(hosts, broker.host));
    const [first] = this.hosts;
    if (first === undefined) {
      throw new Error("a cluster must have a host");
    }
    this.host = first;
  }

  /** Waits until a broker answers, and returns its metadata. */
  look(): Promise<Metadata> {
    return waitFor(
      { what: "topics", state: "known", seconds: TOPIC_SECONDS, logs: BROKER_LOGS },
      () => this.ask(),
    );
  }

  private async ask(): Promise<{ done: Metadata } | { seen: string }> {
    try {
      return { done: await metadata(this.host, this.servers) };
    } catch (error) {
      if (error instanceof NoAnswer) {
        return { seen: error.message };
      }
      throw error;
    }
  }

  check(known: Metadata, isFirst: boolean): void {
    const { faults, unlisted } = checkTopics(this.wish, sizesOf(known));
    if (isFirst) {
      for (const name of unlisted) {
        this.say(`topic "${name}" is not in kafkalab:topics; it is left as it is`);
      }
    }
    if (faults.length > 0) {
      faults.forEach((fault) => this.say(fault));
      throw new Error(
        isFirst
          ? "no topic was changed; correct the errors above"
          : "another client changed topics at the same time, see the errors above; run up again",
      );
    }
  }

  async plan(known: Metadata): Promise<TopicStep[]> {
    const sizes = sizesOf(known);
    const stays = this.wish.topics.some(({ name, deleted }) => !deleted && sizes.has(name));
    return planTopics(this.wish, sizes, stays ? await this.configs() : new Map<string, Configs>());
  }

  /** Reads the configuration of all topics with one JVM. */
  private async configs(): Promise<Map<string, Configs>> {
    const text = await tool(this.host, "kafka-configs.sh", CONFIGS.describe, {
      servers: this.servers,
    });
    return readConfigs(text);
  }

  /** Performs all steps, even if some of them fail. */
  async perform(steps: readonly TopicStep[], known: Metadata): Promise<void> {
    const growing = steps.filter((step) => step.kind === "create" || isGrowing(step));
    const placed = placeNewReplicas(
      growing.map(({ topic }) => topic),
      known,
      this.wish.brokers,
    );
    const deleted = steps.filter(({ kind }) => kind === "delete").map(({ topic }) => topic);
    const tasks = steps.flatMap((step) => {
      const assignment = placed?.get(step.topic.name);
      switch (step.kind) {
        case "create":
          return [(host: RemoteHost) => this.create(host, step.topic, step.config, assignment)];
        case "shape":
          return [(host: RemoteHost) => this.shape(host, step, known, assignment)];
        case "delete":
          return [];
      }
    });
    if (deleted.length > 0) {
      tasks.push((host) => this.delete(host, deleted));
    }
    await runAll(
      tasks.map((task, index) => () => task(this.hosts[index % this.hosts.length] ?? this.host)),
    );
  }

  private async create(
    host: RemoteHost,
    { name, partitions, replicationFactor }: TopicWish,
    config: Record<string, string>,
    assignment: string | undefined,
  ): Promise<void> {
    this.say(`creating topic ${name}`);
    const size =
      assignment === undefined
        ? ["--partitions", String(partitions), "--replication-factor", String(replicationFactor)]
        : ["--replica-assignment", assignment];
    const options = Object.entries(config).flatMap((pair) => ["--config", pair.join("=")]);
    try {
      await this.run(host, [name], "kafka-topics.sh", [
        ...["--create", "--topic", name, ...size, ...options],
      ]);
    } catch (error) {
      // The next attempt compares it like any existing topic.
      if (!(error instanceof TopicError && / already exists/.test(error.reason))) {
        throw error;
      }
    }
  }

  private async shape(
    host: RemoteHost,
    { topic, change, grows }: Extract<TopicStep, { kind: "shape" }>,
    known: Metadata,
    assignment: string | undefined,
  ): Promise<void> {
    // Change the configuration first: if Kafka rejects a value, the topic stays unchanged.
    if (change !== undefined) {
      await this.configure(host, topic.name, change);
    }
    if (grows) {
      const has = sizesOf(known).get(topic.name)?.partitions ?? 0;
      this.say(`adding partitions to topic ${topic.name}: ${topic.partitions} instead of ${has}`);
      await this.run(host, [topic.name], "kafka-topics.sh", [
        ...["--alter", "--topic", exactly(topic.name), "--partitions", String(topic.partitions)],
        ...(assignment === undefined ? [] : ["--replica-assignment", assignment]),
      ]);
    }
  }

  private async configure(
    host: RemoteHost,
    name: string,
    { set, remove }: ConfigChange,
  ): Promise<void> {
    const without = remove.join(",");
    this.say(
      `changing the configuration of topic ${name}: ${set.join(", ")}${without && ` without ${without}`}`,
    );
    await this.run(
      host,
      [name],
      "kafka-configs.sh",
      [
        ...CONFIGS.alter(name),
        ...(set.length > 0 ? ["--add-config-file", "/dev/stdin"] : []),
        ...(remove.length > 0 ? ["--delete-config", without] : []),
      ],
      set.map((line) => `${line}\n`).join(""),
    );
  }

  /** Deletes all topics with one JVM. */
  private async delete(host: RemoteHost, topics: readonly TopicWish[]): Promise<void> {
    const names = topics.map(({ name }) => name);
    names.forEach((name) => this.say(`deleting topic ${name}`));
    await this.run(host, names, "kafka-topics.sh", [
      ...["--delete", "--if-exists", "--topic", names.map(exactly).join("|")],
    ]);
  }

  private async run(
    host: RemoteHost,
    names: readonly string[],
    name: string,
    args: readonly string[],
    input?: string,
  ): Promise<void> {
    const options: ToolOptions = { servers: this.servers, ...(input !== undefined && { input }) };
    try {
      await tool(host, name, args, options);
    } catch (error) {
      throw error instanceof ToolError ? new TopicError(names, error) : error;
    }
  }

  /** Waits until a broker reports each topic with the wanted number of partitions. */
  async awaitSizes(steps: readonly TopicStep[], before: Metadata): Promise<void> {
    let sizes: ReadonlyMap<string, TopicSize> = sizesOf(before);
    for (const { topic } of steps) {
      const wanted = topic.deleted ? 0 : topic.partitions;
      const count = () => sizes.get(topic.name)?.partitions ?? 0;
      // Another client may have made the topic larger. The next check reports that.
      const isReached = () => (topic.deleted ? count() === 0 : count() >= wanted);
      await waitFor(
        {
          what: `topic ${topic.name}`,
          state: `of ${wanted} partitions`,
          seconds: TOPIC_SECONDS,
          logs: BROKER_LOGS,
        },
        async () => {
          if (!isReached()) {
            const look = await this.ask();
            if ("seen" in look) {
              return look;
            }
            sizes = sizesOf(look.done);
          }
          return isReached() ? { done: undefined } : { seen: `${count()} partitions` };
        },
      );
    }
  }

  private say(text: string): void {
    report(`${this.host.name}: ${text}`);
  }
}

/** A tool failed to change topics. */
class TopicError extends Error {
  readonly reason: string;

  constructor(names: readonly string[], { tool: name, lines, reason }: ToolError) {
    const topics = names.map((each) => `"${each}"`).join(", ");
    super(
      `topic${names.length > 1 ? "s" : ""} ${topics}: ${name} has failed, for the reason above; ` +
        `correct kafkalab:topics, or see ${BROKER_LOGS}`,
    );
    this.reason = reason;
    this.lines = lines;
  }

  /** The tool's output. */
  readonly lines: readonly string[];
}

const CONFIGS = {
  describe: ["--entity-type", "topics", "--describe"],
  alter: (name: string) => ["--entity-type", "topics", "--entity-name", name, "--alter"],
};

/** Escapes dots: `kafka-topics.sh` reads a name as a regular expression, so "a.b" also matches "axb". */
const exactly = (name: string) => name.replaceAll(".", "\\.");

const isGrowing = (step: TopicStep) => step.kind === "shape" && step.grows;

/**
 * Runs all tasks, {@link TOOLS_AT_ONCE} of them in parallel, even if some fail.
 *
 * @throws Error with the messages of all failed tasks.
 */
async function runAll(tasks: readonly (() => Promise<void>)[]): Promise<void> {
  const errors = failuresOf(await atMost(TOOLS_AT_ONCE, tasks));
  if (errors.length > 0) {
    errors.forEach((error) => {
      if (error instanceof TopicError) {
        error.lines.forEach(report);
      }
    });
    throw new Error(errors.map(messageOf).join("\n"));
  }
}
