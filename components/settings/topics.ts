import { type Breach } from "./breach";
import { type Context, type Judge, objects, text } from "./define";
import { topicKeyRule } from "./broker-keys";
import { brokers, kafkaVersion, replicationFactor } from "./kafka";
import { breach } from "./rules";
import { isObject, scalar } from "./values";

/** What a topic is to be like. */
export interface TopicShape {
  name: string;
  /** How many there are; the number of a topic that exists can only grow. */
  partitions: number;
  /** Copies of each partition; those of a topic that exists stay as many. */
  replicationFactor: number;
  /** Kafka's settings of the topic; a key that is not named has Kafka's default. */
  config: Record<string, string>;
  /** Whether the topic is to be deleted, with its messages. */
  deleted: boolean;
}

const MAX_PARTITIONS = 10_000;
const FIELDS = ["partitions", "replicationFactor", "config", "deleted"];

/** The topics that Kafka itself makes. */
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
  // Nothing else matters for a topic that is to be deleted.
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

/** What Kafka accepts for the name of a topic, but for internal ones, whose names start with __. */
function badName(name: string): Breach | undefined {
  const remedy = "Take one such as peter-overview01";
  return (
    breach(
      !/^[a-zA-Z0-9._-]{1,249}$/.test(name) || name.startsWith("__"),
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
 * Kafka names metrics after topics and writes a dot there as an underscore. So it rejects a topic
 * whose name differs from that of another one in nothing else.
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

/** If more copies must be in sync than there are, every write with acks=all fails. */
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

/** The number that a value is; 0 for any other value, which is a fault already. */
function numberOf(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
