import { type Breach } from "./breach";
import { type Context, type Judge, objects, text } from "./define";
import { topicKeyRule } from "./broker-keys";
import { brokers, kafkaVersion, replicationFactor } from "./kafka";
import { TOPIC_NAME } from "./resource-names";
import { breach } from "./rules";
import { isObject, scalar } from "./values";

/** The wanted state of a topic. */
export interface TopicShape {
  name: string;
  /** Number of partitions. It cannot decrease for an existing topic. */
  partitions: number;
  /** Replication factor. It cannot change for an existing topic. */
  replicationFactor: number;
  /** Kafka's configuration keys of the topic. Other keys have Kafka's default. */
  config: Record<string, string>;
  /** Whether the operator deletes the topic, with its messages. */
  deleted: boolean;
}

const MAX_PARTITIONS = 10_000;
const FIELDS = ["partitions", "replicationFactor", "config", "deleted"];

/** Kafka's internal topics. */
const INTERNAL_TOPICS = [
  ...["__consumer_offsets", "__transaction_state", "__share_group_state"],
  ...["__remote_log_metadata", "__cluster_metadata"],
];

const OTHER_NAME = "Choose another name for one of the two";

const topic = text({
  name: "topic",
  default: "peter-overview01",
  rule: {
    text: "be a name that Kafka accepts for a topic",
    check: (value) => badName(value) ?? collides(value, INTERNAL_TOPICS),
  },
  text: "The topic of the smoke test. Pulumi creates it with one partition if it does not exist.",
  change: "A change creates the new topic; the old one stays.",
  example: "peter-overview02",
});

const topics = objects({
  name: "topics",
  rule:
    "hold, for each name, partitions (1 to 10000), replicationFactor (1 to the number of brokers), " +
    "config (keys of topics that the Kafka release knows) and deleted (true or false); two names " +
    "must differ in more than dots and underscores",
  text:
    "Further topics by name. replicationFactor is by default kafkalab:replicationFactor; config " +
    "holds Kafka's settings of the topic.",
  change:
    "A change creates topics, adds partitions and changes config live. Fewer partitions and another " +
    "replicationFactor are rejected. A topic that you remove from the setting stays on the " +
    "cluster; deleted: true deletes it with its messages.",
  example: {
    orders: { partitions: 6, config: { "retention.ms": 86400000 } },
    clicks: { partitions: 3, replicationFactor: 2 },
    "old-orders": { deleted: true },
  },
  items: (entries, judge, context) => {
    const smokeTopic = context.get(topic);
    const taken = [...INTERNAL_TOPICS, smokeTopic];
    return entries.map(([name, fields]) => {
      const breach = badName(name) ?? isSmokeTopic(name, smokeTopic);
      judge(breach ?? collides(name, taken), name, `topics.${name}`);
      if (breach === undefined) {
        taken.push(name);
      }
      return readTopic(name, fields, judge, context);
    });
  },
});

/** The settings of topics. */
export const TOPICS = [topics, topic] as const;

function readTopic(
  name: string,
  fields: Record<string, unknown>,
  judge: Judge,
  context: Context,
): TopicShape {
  const at = `topics.${name}`;
  for (const field of Object.keys(fields).filter((key) => !FIELDS.includes(key))) {
    judge({ rule: `hold ${FIELDS.join(", ")} only`, remedy: "Leave it out" }, field, at);
  }
  const deleted = fields.deleted ?? false;
  judge(badDeleted(deleted), deleted, `${at}.deleted`);
  // A deleted topic needs no other fields.
  const partitions = fields.partitions ?? (deleted === true ? 1 : "none");
  judge(badPartitions(partitions), partitions, `${at}.partitions`);
  const replicas = fields.replicationFactor ?? context.get(replicationFactor);
  judge(badReplicas(replicas, context.get(brokers)), replicas, `${at}.replicationFactor`);
  return {
    name,
    partitions: numberOf(partitions),
    replicationFactor: numberOf(replicas),
    config: readConfig(`${at}.config`, fields.config ?? {}, numberOf(replicas), judge, context),
    deleted: deleted === true,
  };
}

function readConfig(
  at: string,
  config: unknown,
  replicas: number,
  judge: Judge,
  context: Context,
): Record<string, string> {
  if (!isObject(config)) {
    const rule = "hold values by name, such as retention.ms: 86400000";
    const remedy = "See https://kafka.apache.org/39/documentation.html#topicconfigs";
    judge({ rule, remedy }, config, at);
    return {};
  }
  const badPair = topicKeyRule(context.get(kafkaVersion));
  const sound = Object.entries(config).filter(([key, value]) => {
    const breach =
      scalar(value) ?? badPair([key, String(value)]) ?? unwritable(key, String(value), replicas);
    return judge(breach, [key, value], at);
  });
  return Object.fromEntries(sound.map(([key, value]) => [key, String(value)]));
}

/** Rejects a topic name that Kafka rejects, and the prefix __ of Kafka's internal topics. */
function badName(name: string): Breach | undefined {
  const remedy = "Take one such as peter-overview01";
  return (
    breach(
      !TOPIC_NAME.test(name) || name.startsWith("__"),
      "be 1 to 249 letters, digits, dots, hyphens and underscores, and start with no two underscores",
      remedy,
    ) ?? breach(name === "." || name === "..", "not be . or .., which Kafka rejects", remedy)
  );
}

function isSmokeTopic(name: string, smokeTopic: string): Breach | undefined {
  return breach(
    name === smokeTopic,
    "not be the topic of the smoke test (kafkalab:topic), which has one partition",
    OTHER_NAME,
  );
}

/**
 * Rejects a name that differs from another one only in dots and underscores. Kafka rejects such a topic:
 * it replaces dots with underscores in the names of metrics.
 */
function collides(name: string, taken: string[]): Breach | undefined {
  const metric = (topicName: string) => topicName.replaceAll(".", "_");
  const other = taken.find((one) => metric(one) === metric(name));
  return other === undefined
    ? undefined
    : {
        rule: `differ from ${other} in more than dots and underscores`,
        remedy: INTERNAL_TOPICS.includes(other) ? "Choose another name" : OTHER_NAME,
      };
}

/** Rejects a min.insync.replicas above the replication factor: every write with acks=all would fail. */
function unwritable(key: string, value: string, replicas: number): Breach | undefined {
  return breach(
    key === "min.insync.replicas" && Number(value) > replicas,
    `ask for no more in-sync replicas than the topic has (${replicas})`,
    "Lower it, or raise the topic's replicationFactor",
  );
}

function badDeleted(value: unknown): Breach | undefined {
  return breach(
    typeof value !== "boolean",
    "be true or false",
    "Leave it out, or set it to true to delete the topic",
  );
}

function badPartitions(value: unknown): Breach | undefined {
  return breach(
    !Number.isInteger(value) || Number(value) < 1 || Number(value) > MAX_PARTITIONS,
    `be a whole number from 1 to ${MAX_PARTITIONS}`,
    "Take as many as there will be consumers in a group; it can grow later",
  );
}

function badReplicas(value: unknown, count: number): Breach | undefined {
  const remedy = "Leave it out to take kafkalab:replicationFactor";
  return (
    breach(!Number.isInteger(value), "be a whole number", remedy) ??
    breach(
      numberOf(value) < 1 || numberOf(value) > count,
      `be from 1 to the number of brokers (${count})`,
      remedy,
    )
  );
}

/** Returns the value if it is a number. Returns 0 otherwise: other values are already reported as faults. */
function numberOf(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
