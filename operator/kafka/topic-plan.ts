/*
 * Plans the changes of topics. Pure functions of the wish and the existing topics.
 */
import type { TopicsWish, TopicWish } from "../wish";
import { minInSyncReplicas } from "./availability";
import type { Configs } from "./configs";
import type { Metadata } from "./metadata";
import { KAFKA_HOME } from "../../shared/homes";

/** The size of an existing topic. */
export interface TopicSize {
  partitions: number;
  replicationFactor: number;
}

/** Returns the size of every topic by its name. */
export function sizesOf({ partitions }: Metadata): Map<string, TopicSize> {
  const sizes = new Map<string, TopicSize>();
  for (const { topic, replicas } of partitions) {
    const size = sizes.get(topic);
    sizes.set(topic, {
      partitions: (size?.partitions ?? 0) + 1,
      replicationFactor: size?.replicationFactor ?? replicas.length,
    });
  }
  return sizes;
}

/** The result of comparing the wish with all topics. */
export interface TopicsCheck {
  /** Wanted changes that are impossible, each as an error message. */
  faults: string[];
  /** Topics that the wish does not name. */
  unlisted: string[];
}

/** Compares a wish with the existing topics. */
export function checkTopics(
  { topics, smokeTopic }: Pick<TopicsWish, "topics" | "smokeTopic">,
  sizes: ReadonlyMap<string, TopicSize>,
): TopicsCheck {
  const named = new Set([smokeTopic, ...topics.map(({ name }) => name)]);
  return {
    faults: topics
      .filter(({ deleted }) => !deleted)
      .flatMap((topic) => faultsOf(topic, sizes) ?? []),
    unlisted: [...sizes.keys()].filter((name) => !name.startsWith("__") && !named.has(name)),
  };
}

function faultsOf(
  { name, partitions, replicationFactor }: TopicWish,
  sizes: ReadonlyMap<string, TopicSize>,
): string | undefined {
  const has = sizes.get(name);
  if (has === undefined) {
    return collisionOf(name, sizes.keys());
  }
  if (partitions < has.partitions) {
    return (
      `topic "${name}": partitions must be ${has.partitions} or more, as many as it has; got ` +
      `${partitions}. Partitions only grow: a message is assigned to one by its key, and the ` +
      `messages of two cannot be merged in order. Set it to ${has.partitions}, or make another ` +
      "topic and move to that."
    );
  }
  if (replicationFactor !== has.replicationFactor) {
    return (
      `topic "${name}": replicationFactor must be ${has.replicationFactor}, as it has; got ` +
      `${replicationFactor}. Move its replicas first, with ` +
      `${KAFKA_HOME}/bin/kafka-reassign-partitions.sh on a broker; then set it to ` +
      `${replicationFactor}.`
    );
  }
  return undefined;
}

/**
 * Returns an error for a new topic whose name differs from an existing topic's only in dots and
 * underscores. Kafka rejects such a topic, because its metrics cannot tell the two apart.
 *
 * @param names The existing topics.
 */
export function collisionOf(name: string, names: Iterable<string>): string | undefined {
  const plain = (text: string) => text.replaceAll(".", "_");
  const other = [...names].find((taken) => taken !== name && plain(taken) === plain(name));
  return (
    other &&
    `topic "${name}": the name must differ from ${other}, a topic of the cluster, in more than dots ` +
      `and underscores; got ${name}. Choose another name, or delete ${other} first.`
  );
}

/**
 * Returns the wanted configuration of a topic. If the brokers' `min.insync.replicas` is too high for the
 * topic and the wish sets none, this function adds one. The topic then stays writable while one of its
 * brokers restarts.
 *
 * @param minInSync `min.insync.replicas` of the brokers; undefined if the user set it. The user's value
 *   applies to all topics without a value of their own.
 */
export function configOf(
  { config, replicationFactor }: Pick<TopicWish, "config" | "replicationFactor">,
  minInSync: number | undefined,
): Record<string, string> {
  const most = minInSyncReplicas(replicationFactor);
  return minInSync !== undefined && minInSync > most
    ? { "min.insync.replicas": String(most), ...config }
    : config;
}

/** A change of a topic's configuration. */
export interface ConfigChange {
  /** Entries of the form `key=value`. */
  set: string[];
  /** Keys to reset to the default. */
  remove: string[];
}

/** Compares a topic's current configuration with the wanted one. Undefined if they are the same. */
export function configChange(
  own: Configs,
  wanted: Readonly<Record<string, string>>,
): ConfigChange | undefined {
  const set = Object.entries(wanted)
    .filter(([key, value]) => own.get(key)?.value !== value)
    .map((pair) => pair.join("="));
  const remove = [...own.keys()].filter((key) => !Object.hasOwn(wanted, key) && !isThrottle(key));
  return set.length + remove.length > 0 ? { set, remove } : undefined;
}

/** Kafka sets these keys itself during a reassignment and removes them afterwards. */
const isThrottle = (key: string) => key.endsWith(".throttled.replicas");

/** A change of one topic. */
export type TopicStep =
  | { kind: "create"; topic: TopicWish; config: Record<string, string> }
  | { kind: "shape"; topic: TopicWish; change: ConfigChange | undefined; grows: boolean }
  | { kind: "delete"; topic: TopicWish };

/**
 * Returns the changes of topics. {@link checkTopics} must have found no fault before.
 *
 * @param configs The configuration of every existing topic.
 * @throws Error if the configuration of a wanted topic is missing.
 */
export function planTopics(
  { topics, minInSyncReplicas: minInSync }: Pick<TopicsWish, "topics" | "minInSyncReplicas">,
  sizes: ReadonlyMap<string, TopicSize>,
  configs: ReadonlyMap<string, Configs>,
): TopicStep[] {
  return topics.flatMap((topic): TopicStep[] => {
    const size = sizes.get(topic.name);
    if (topic.deleted) {
      return size === undefined ? [] : [{ kind: "delete", topic }];
    }
    const config = configOf(topic, minInSync);
    if (size === undefined) {
      return [{ kind: "create", topic, config }];
    }
    const own = configs.get(topic.name);
    if (own === undefined) {
      throw new Error(
        `topic "${topic.name}": kafka-configs.sh must know it, as metadata does; got no answer. Run up again.`,
      );
    }
    const change = configChange(own, config);
    const grows = size.partitions < topic.partitions;
    return change === undefined && !grows ? [] : [{ kind: "shape", topic, change, grows }];
  });
}
