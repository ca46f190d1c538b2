import { createHash } from "node:crypto";

/** A message that the cluster has acknowledged. */
export interface Acknowledged {
  /** Time of the acknowledgement at the producer, in ms. */
  timestamp: number;
  partition: number;
  value: string;
}

/** A producer's report about its messages. */
export interface Sent {
  acknowledged: Acknowledged[];
  /** Number of failed messages, by error class. */
  failed: Record<string, number>;
}

/** A message that the consumer has read. */
export interface Consumed {
  partition: number;
  offset: number;
  /** `RUN.NUMBER`. Both numbers increase. */
  value: string;
}

/** The messages in one partition. */
export interface PartitionReport {
  count: number;
  /** Hash of the partition's messages and offsets, in order. */
  sha256: string;
  longestPauseMs: number;
}

/** The result of a load. */
export interface LoadReport {
  acknowledged: number;
  /** Messages that the producer reported as failed. */
  failed: number;
  /** Failed messages by error class. */
  errors: Record<string, number>;
  /** Acknowledged messages that are missing. */
  lost: number;
  /** Messages that exist more than once. */
  duplicated: number;
  /** Messages that follow a later message in the same partition. */
  outOfOrder: number;
  /** The longest time without any acknowledgement, in ms. */
  longestPauseMs: number;
  /** The longest time without an acknowledgement from a single partition, in ms. */
  longestPartitionPauseMs: number;
  partitions: Record<string, PartitionReport>;
}

/** Reads the output of Kafka's VerifiableProducer. Ignores lines that are not about a message. */
export function readSent(lines: string[]): Sent {
  const sent: Sent = { acknowledged: [], failed: {} };
  for (const line of lines) {
    if (line.includes('"producer_send_success"')) {
      const { timestamp, partition, value } = JSON.parse(line) as Acknowledged;
      sent.acknowledged.push({ timestamp, partition, value });
    } else if (line.includes('"producer_send_error"')) {
      const { exception } = JSON.parse(line) as { exception: string };
      const name = exception.replace(/^class .*\./, "");
      sent.failed[name] = (sent.failed[name] ?? 0) + 1;
    }
  }
  return sent;
}

/** Reads lines of `PARTITION OFFSET VALUE`. */
export function readConsumed(text: string): Consumed[] {
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const [partition, offset, ...value] = line.split(" ");
      return { partition: Number(partition), offset: Number(offset), value: value.join(" ") };
    });
}

/**
 * Compares the acknowledged messages with the messages in the partitions.
 *
 * @param until Time when the load was stopped, in ms. The last pause ends then.
 */
export function count(sent: Sent, consumed: Consumed[], until: number): LoadReport {
  const { acknowledged, failed } = sent;
  const there = new Set(consumed.map(key));
  const ids = [...new Set([...acknowledged, ...consumed].map(({ partition }) => partition))];
  const partitions = ids
    .sort((one, other) => one - other)
    .map((id) => ({
      id,
      times: timesOf(acknowledged.filter(({ partition }) => partition === id)),
      messages: consumed
        .filter(({ partition }) => partition === id)
        .sort((one, other) => one.offset - other.offset),
    }));
  const reports = partitions.map(({ times, messages }) => ({
    count: messages.length,
    sha256: checksum(messages),
    longestPauseMs: longestPause(times, until),
  }));
  return {
    acknowledged: acknowledged.length,
    failed: Object.values(failed).reduce((sum, each) => sum + each, 0),
    errors: failed,
    lost: acknowledged.filter((message) => !there.has(key(message))).length,
    duplicated: consumed.length - new Set(consumed.map(({ value }) => value)).size,
    outOfOrder: partitions.reduce((sum, { messages }) => sum + disorder(messages), 0),
    longestPauseMs: longestPause(timesOf(acknowledged), until),
    longestPartitionPauseMs: Math.max(0, ...reports.map((report) => report.longestPauseMs)),
    partitions: Object.fromEntries(partitions.map(({ id }, index) => [id, reports[index]!])),
  };
}

const key = ({ partition, value }: { partition: number; value: string }) => `${partition} ${value}`;

function timesOf(acknowledged: Acknowledged[]): number[] {
  return acknowledged.map(({ timestamp }) => timestamp).sort((one, other) => one - other);
}

function longestPause(times: number[], until: number): number {
  const pauses = times.map((time, index) => (times[index + 1] ?? until) - time);
  return Math.max(0, ...pauses);
}

function checksum(messages: Consumed[]): string {
  const hash = createHash("sha256");
  messages.forEach(({ offset, value }) => hash.update(`${offset} ${value}\n`));
  return hash.digest("hex");
}

/** Counts messages that follow a later message. A repeated message counts only as duplicated. */
function disorder(messages: Consumed[]): number {
  const seen = new Set<string>();
  let latest = -1;
  let late = 0;
  for (const { value } of messages) {
    const place = sequence(value);
    if (place === undefined) {
      continue; // not a message of this load
    }
    if (!seen.has(value) && place < latest) {
      late++;
    }
    seen.add(value);
    latest = Math.max(latest, place);
  }
  return late;
}

function sequence(value: string): number | undefined {
  const [, run, number] = /^(\d+)\.(\d+)$/.exec(value) ?? [];
  return run === undefined ? undefined : Number(run) * 2 ** 32 + Number(number);
}
