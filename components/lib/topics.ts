import * as rules from "./rules";
import { type Breach, isObject, type Rule, type SettingReader } from "./setting-reader";

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

/**
 * Reads `kafkalab:topics`.
 *
 * @param brokers How many brokers there are for replicas.
 * @param fallback Copies of each partition where none are named.
 * @param taken The topic of the smoke test, which has a shape of its own.
 */
export function readTopics(
  reader: SettingReader,
  brokers: number,
  fallback: number,
  taken: string,
): TopicShape[] {
  return reader.objects("topics").map(([name, fields]) => {
    const at = `topics.${name}`;
    judge(at, name, rules.topic);
    judge(at, name, notTaken(taken));
    for (const field of Object.keys(fields).filter((key) => !FIELDS.includes(key))) {
      reader.fault(at, `hold ${FIELDS.join(", ")} only`, field, "Leave it out");
    }
    const deleted = fields.deleted ?? false;
    judge(`${at}.deleted`, deleted, isBoolean);
    // Of a topic that is to be gone nothing else matters.
    const partitions = fields.partitions ?? (deleted === true ? 1 : "none");
    judge(`${at}.partitions`, partitions, isPartitions);
    const replicationFactor = fields.replicationFactor ?? fallback;
    if (judge(`${at}.replicationFactor`, replicationFactor, isInteger)) {
      judge(`${at}.replicationFactor`, Number(replicationFactor), ofBrokers(brokers));
    }
    const config = fields.config ?? {};
    judge(`${at}.config`, config, isConfig);
    return {
      name,
      partitions: Number(partitions),
      replicationFactor: Number(replicationFactor),
      config: texts(config),
      deleted: deleted === true,
    };
  });

  function judge<T>(at: string, value: T, rule: Rule<T>): boolean {
    const breach = rule(value);
    if (breach !== undefined) {
      reader.fault(at, breach.rule, value, breach.remedy);
    }
    return breach === undefined;
  }
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

/** Names as Kafka has them, and values that go through a properties file as they are. */
function isConfig(value: unknown): Breach | undefined {
  const sound =
    isObject(value) &&
    Object.entries(value).every(
      ([name, item]) =>
        /^[a-z]+(\.[a-z]+)+$/.test(name) &&
        ["string", "number", "boolean"].includes(typeof item) &&
        /^[!-[\]-~]([ -[\]-~]*[!-[\]-~])?$/.test(String(item)),
    );
  return sound
    ? undefined
    : {
        rule: "hold names such as retention.ms, each with a text, number, true or false",
        remedy: "See https://kafka.apache.org/39/documentation.html#topicconfigs",
      };
}

function texts(config: unknown): Record<string, string> {
  return isObject(config)
    ? Object.fromEntries(Object.entries(config).map(([name, value]) => [name, String(value)]))
    : {};
}
