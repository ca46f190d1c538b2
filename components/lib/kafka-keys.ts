import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The broker configuration keys of a Kafka release. */
export interface BrokerKeys {
  /** Keys that a running broker can change. */
  live: string[];
  /** Keys that a broker reads only at start. */
  restart: string[];
}

/**
 * Returns the broker keys that the release itself lists (test/operations/roll.test.ts). The lists are
 * empty for a release without a table.
 */
export function readBrokerKeys(version: string): BrokerKeys {
  return readTable<BrokerKeys>("broker-keys.json")[version] ?? { live: [], restart: [] };
}

/** Returns the topic keys that the release itself lists. */
export function readTopicKeys(version: string): string[] {
  return readTable<string[]>("topic-keys.json")[version] ?? [];
}

function readTable<T>(file: string): Record<string, T> {
  return JSON.parse(readFileSync(join(__dirname, file), "utf8")) as Record<string, T>;
}
