import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The names of a Kafka release's broker settings. */
export interface BrokerKeys {
  /** What a broker takes while it runs. */
  live: string[];
  /** What it reads when it starts. */
  restart: string[];
}

/**
 * The names of a release's broker settings, as the release itself lists them
 * (test/operations/roll.test.ts). A release without a table has none.
 */
export function readBrokerKeys(version: string): BrokerKeys {
  return readTable<BrokerKeys>("broker-keys.json")[version] ?? { live: [], restart: [] };
}

/** The names of a release's topic settings, as the release itself lists them. */
export function readTopicKeys(version: string): string[] {
  return readTable<string[]>("topic-keys.json")[version] ?? [];
}

function readTable<T>(file: string): Record<string, T> {
  return JSON.parse(readFileSync(join(__dirname, file), "utf8")) as Record<string, T>;
}
