import { topicKey } from "./further-keys";
import * as rules from "./rules";
import { type Breach, isObject, type Rule, scalar, type SettingReader } from "./setting-reader";

/** What a topic is to be like. */
export interface TopicShape {
  name: string;
  /** It only grows. */
  partitions: number;
  /** Copies of each partition; of a topic that is there it is not changed. */
  replicationFactor: number;
  /** Kafka's settings of the topic; whatever is not named has Kafka's default. */
  config: Record<string, string>;
  /** Whether it is to be gone, with its messages. */
  deleted: boolean;
}

const MAX_PARTITIONS = 10_000;
const FIELDS = ["partitions", "replicationFactor", "config", "deleted"];

/** What a topic's shape is judged by, beside the shape itself. */
interface Surroundings {
  /** How many brokers there are for replicas. */
  brokers: number;
  /** Copies of each partition where a topic names none. */
  replicationFactor: number;
  /** The topic of the smoke test, which has a shape of its own. */
  taken: string;
  kafkaVersion: string;
}

/** Reads `kafkalab:topics`. */
export function readTopics(
  reader: SettingReader,
  { brokers, replicationFactor: fallback, taken, kafkaVersion }: Surroundings,
): TopicShape[] {
  const names = [taken];
  return reader.objects("topics").map(([name, fields]) => {
    const at = `topics.${name}`;
    if (judge(at, name, rules.topic) && judge(at, name, notTaken(taken))) {
      judge(at, name, distinct(names));
      names.push(name);
    }
    for (const field of Object.keys(fields).filter((key) => !FIELDS.includes(key))) {
      reader.fault(at, `hold ${FIELDS.join(", ")} only`, field, "Leave it out");
    }
    const deleted = fields.deleted ?? false;
    judge(`${at}.deleted`, deleted, isBoolean);
    // Of a topic that is to be gone nothing else matters.
    const partitions = fields.partitions ?? (deleted === true ? 1 : "none");
    judge(`${at}.partitions`, partitions, isPartitions);
    const replicationFactor = fields.replicationFactor ?? fallback;
    const replicas = numberOf(replicationFactor);
    if (judge(`${at}.replicationFactor`, replicationFactor, isInteger)) {
      judge(`${at}.replicationFactor`, replicas, ofBrokers(brokers));
    }
    const config = readConfig(`${at}.config`, fields.config ?? {}, replicas);
    return {
      name,
      partitions: numberOf(partitions),
      replicationFactor: replicas,
      config,
      deleted: deleted === true,
    };
  });

  function readConfig(at: string, config: unknown, replicas: number): Record<string, string> {
    if (!judge(at, config, isConfig) || !isObject(config)) {
      return {};
    }
    const known = topicKey(kafkaVersion);
    const sound = Object.entries(config).filter(([key, value]) => {
      const breach =
        scalar(value) ?? known([key, String(value)]) ?? writable(replicas)([key, value]);
      if (breach !== undefined) {
        reader.fault(at, breach.rule, [key, value], breach.remedy);
      }
      return breach === undefined;
    });
    return Object.fromEntries(sound.map(([key, value]) => [key, String(value)]));
  }

  function judge<T>(at: string, value: T, rule: Rule<T>): boolean {
    const breach = rule(value);
    if (breach !== undefined) {
      reader.fault(at, breach.rule, value, breach.remedy);
    }
    return breach === undefined;
  }
}

/** Kafka's metrics cannot tell a dot from an underscore, so Kafka takes no two names that differ so. */
function distinct(names: string[]): Rule<string> {
  const plain = (name: string) => name.replaceAll(".", "_");
  return (name) => {
    const other = names.find((taken) => plain(taken) === plain(name));
    return other === undefined
      ? undefined
      : {
          rule: `differ from ${other} in more than dots and underscores`,
          remedy: "Choose another name for one of the two",
        };
  };
}

/** More copies that must be in sync than there are copies would refuse every write with acks=all. */
function writable(replicas: number): Rule<[string, unknown]> {
  return ([key, value]) =>
    key === "min.insync.replicas" && Number(String(value)) > replicas
      ? {
          rule: `ask for no more in-sync replicas than the topic has (${replicas})`,
          remedy: "Lower it, or raise the topic's replicationFactor",
        }
      : undefined;
}

function notTaken(taken: string): Rule<string> {
  return (name) =>
    name === taken
      ? {
          rule: "not be the topic of the smoke test (kafkalab:topic), which has one partition",
          remedy: "Choose another name for one of the two",
        }
      : undefined;
}

/** The number, if it is one that JavaScript has; what is none is a fault already. */
function numberOf(value: unknown): number {
  return typeof value === "number" ? value : 0;
}

function isBoolean(value: unknown): Breach | undefined {
  return typeof value === "boolean"
    ? undefined
    : { rule: "be true or false", remedy: "Leave it out, or set it to true to delete the topic" };
}

function isInteger(value: unknown): Breach | undefined {
  return Number.isInteger(value)
    ? undefined
    : { rule: "be a whole number", remedy: "Leave it out to take kafkalab:replicationFactor" };
}

function ofBrokers(brokers: number): Rule<number> {
  return (value) =>
    value >= 1 && value <= brokers
      ? undefined
      : {
          rule: `be from 1 to the number of brokers (${brokers})`,
          remedy: "Leave it out to take kafkalab:replicationFactor",
        };
}

function isPartitions(value: unknown): Breach | undefined {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_PARTITIONS
    ? undefined
    : {
        rule: `be a whole number from 1 to ${MAX_PARTITIONS}`,
        remedy: "Take as many as there will be consumers in a group; it can grow later",
      };
}

function isConfig(value: unknown): Breach | undefined {
  return isObject(value)
    ? undefined
    : {
        rule: "hold values by name, such as retention.ms: 86400000",
        remedy: "See https://kafka.apache.org/39/documentation.html#topicconfigs",
      };
}
