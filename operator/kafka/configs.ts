/*
 * The configuration of topics and brokers. Only `kafka-configs.sh` prints it, as text for people.
 */

/** One source of a key's value. The first synonym of a key is in effect. */
export interface Synonym {
  /** `DYNAMIC_TOPIC_CONFIG`, `STATIC_BROKER_CONFIG`, `DEFAULT_CONFIG` … */
  source: string;
  /** The key's name in that source: `log.cleanup.policy` for `cleanup.policy`. */
  key: string;
  value: string;
}

/** One key of an entity. */
export interface Config {
  /** Undefined if the key has no value, or if the value is a secret. */
  value: string | undefined;
  synonyms: readonly Synonym[];
}

/** The keys of an entity. */
export type Configs = ReadonlyMap<string, Config>;

/** The name of the entity whose keys apply to all brokers. */
export const ALL_BROKERS = "<default>";

const HEADER = /^(?:Dynamic|All) configs for [a-z-]+ (\S+) are:$/;
const DEFAULT_HEADER = "Default configs for brokers in the cluster are:";
const LINE = /^ {2}([^\s=]+)=(.*?) sensitive=(true|false) synonyms=\{(.*)\}$/;
const SYNONYM = /^([A-Z_]+):([^\s=:]+)=(.*)$/;
/** A value may contain commas, so a synonym ends only where the next one begins. */
const NEXT_SYNONYM = /, (?=[A-Z]+(?:_[A-Z]+)*:[^\s=:,]+=)/;

/**
 * Reads what `kafka-configs.sh --describe` prints.
 *
 * @returns The keys of each entity by its name. {@link ALL_BROKERS} is the name for the keys of all brokers.
 * @throws Error that shows a line with another format.
 */
export function readConfigs(text: string): Map<string, Configs> {
  const entities = new Map<string, Map<string, Config>>();
  let configs: Map<string, Config> | undefined;
  for (const line of text.split("\n").filter((each) => each !== "")) {
    const entity = line === DEFAULT_HEADER ? ALL_BROKERS : HEADER.exec(line)?.[1];
    if (entity !== undefined) {
      configs = new Map();
      entities.set(entity, configs);
      continue;
    }
    const [key, config] = readLine(line);
    if (configs === undefined) {
      throw unreadable(line);
    }
    configs.set(key, config);
  }
  return entities;
}

function readLine(line: string): [string, Config] {
  const [, key, value, sensitive, synonyms] = LINE.exec(line) ?? [];
  if (key === undefined || value === undefined || synonyms === undefined) {
    throw unreadable(line);
  }
  const list = synonyms === "" ? [] : synonyms.split(NEXT_SYNONYM).map(readSynonym);
  // Kafka prints null for a missing value and for a secret.
  const isHidden = value === "null" && (sensitive === "true" || list.length === 0);
  return [key, { value: isHidden ? undefined : value, synonyms: list }];
}

function readSynonym(text: string): Synonym {
  const [, source, key, value] = SYNONYM.exec(text) ?? [];
  if (source === undefined || key === undefined || value === undefined) {
    throw unreadable(text);
  }
  return { source, key, value };
}

function unreadable(line: string): Error {
  return new Error(
    `kafka-configs.sh: its output must hold "key=value sensitive=... synonyms={...}" below ` +
      `"... configs for ... are:"; got "${line}"`,
  );
}
