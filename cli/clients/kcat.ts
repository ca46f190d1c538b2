import { shellQuote } from "../../shared/quote";

/** The kcat command that says which topics there are. */
export function metadataCommand(servers: string): string {
  // All topics: a request for one topic by name creates it if the brokers create topics automatically.
  return quoted(["kcat", "-L", "-J", "-m", "8", "-b", servers]);
}

/** What a producer sends, and where. */
export interface Production {
  /** `host:port` of brokers, as the lab's hosts know them. */
  servers: string;
  topic: string;
  /** What separates key and value in a line. @default lines have no key */
  keySeparator?: string;
}

/** The kcat command that sends each line of its input as one record, and reports each record. */
export function produceCommand({ servers, topic, keySeparator }: Production): string {
  return quoted([
    ...["kcat", "-P", "-vvv", "-b", servers, "-t", topic],
    ...(keySeparator === undefined ? [] : ["-K", keySeparator]),
    // All replicas in sync have a record that is acknowledged, and a retry does not repeat it.
    ...["-X", "acks=all", "-X", "enable.idempotence=true"],
    // The same key goes to the same partition as with Java clients.
    ...["-X", "topic.partitioner=murmur2_random"],
    // No warnings of librdkafka about requests that it repeats; its errors remain.
    ...["-X", "log_level=3"],
  ]);
}

/** What a consumer reads, and what it prints. */
export interface Consumption {
  /** `host:port` of brokers, as the lab's hosts know them. */
  servers: string;
  topic: string;
  /** Whether to start behind the last record. A group does so only if it has no offsets yet. */
  fromEnd?: boolean;
  /** The consumer group, which commits offsets. @default none */
  group?: string;
  /** Ends after so many records. @default never */
  max?: number;
  /** Whether to print each record as JSON. @default the value alone */
  json?: boolean;
  /** Prints the key and this text before each value. @default no key */
  keySeparator?: string;
}

/** The kcat command that prints records. */
export function consumeCommand(wanted: Consumption): string {
  const { servers, topic, fromEnd = false, group, max, json = false, keySeparator } = wanted;
  return quoted([
    ...["kcat", ...(group === undefined ? ["-C", "-t", topic] : ["-G", group])],
    ...["-q", "-u", "-b", servers],
    ...(max === undefined ? [] : ["-c", String(max)]),
    ...(json ? ["-J"] : []),
    ...(keySeparator === undefined ? [] : ["-K", keySeparator]),
    ...(group === undefined
      ? ["-o", fromEnd ? "end" : "beginning"]
      : ["-X", `auto.offset.reset=${fromEnd ? "latest" : "earliest"}`, topic]),
  ]);
}

const quoted = (argv: readonly string[]) => argv.map(shellQuote).join(" ");
