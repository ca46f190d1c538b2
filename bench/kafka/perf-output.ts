import { number } from "../tables";

/** One case of the load: record size, acks, and number of producers. */
export interface Case {
  size: number;
  acks: "1" | "all";
  producers: number;
}

/** The result of Kafka's own tools for a case. */
export interface Measured extends Case {
  /** Sum of all producers. */
  recordsPerSecond: number;
  /** Milliseconds until the acknowledgement of a record, for the slowest producer. */
  p50: number;
  p99: number;
  /** Rate of one consumer that reads the producers' records. */
  consumedPerSecond: number;
}

/** The name of a case in the input and output of `load.sh`. */
export const caseName = ({ size, acks, producers }: Case) => `${size}:${acks}:${producers}`;

/** Formats a rate of records. */
export const rate = (perSecond: number, { size }: Case) =>
  `${number(perSecond / 1000)} k (${number((perSecond * size) / 1e6)} MB/s)`;

/** Reads the output of `load.sh`. Throws if a value is missing. */
export function readLoad(output: string, cases: Case[]): Measured[] {
  const parts = output.split(/^case /m).slice(1);
  return cases.map((one) => {
    const part = parts.find((text) => text.startsWith(`${caseName(one)}\n`)) ?? "";
    const lines = part.split("\n");
    const produced = lines.flatMap((line) => readProducer(line) ?? []);
    const consumed = lines.flatMap((line) => readConsumer(line) ?? []);
    if (produced.length !== one.producers || consumed.length !== 1) {
      throw new Error(
        `${caseName(one)}: needs a last line of ${one.producers} producers and of one consumer; got:\n${part}`,
      );
    }
    return {
      ...one,
      recordsPerSecond: produced.reduce((sum, { recordsPerSecond }) => sum + recordsPerSecond, 0),
      p50: Math.max(...produced.map(({ p50 }) => p50)),
      p99: Math.max(...produced.map(({ p99 }) => p99)),
      consumedPerSecond: consumed[0] ?? NaN,
    };
  });
}

const PRODUCER =
  /^\d+ records sent, ([\d.]+) records\/sec .* (\d+) ms 50th, \d+ ms 95th, (\d+) ms 99th, /;

/** Reads the last line of `kafka-producer-perf-test`. Earlier lines have no percentiles. */
function readProducer(line: string) {
  const [, records, p50, p99] = PRODUCER.exec(line) ?? [];
  return records === undefined
    ? undefined
    : { recordsPerSecond: Number(records), p50: Number(p50), p99: Number(p99) };
}

/**
 * Records per second of `kafka-consumer-perf-test`. The last of ten columns does not include the wait for the
 * assignment of partitions.
 */
function readConsumer(line: string): number | undefined {
  const columns = line.split(", ");
  return columns.length === 10 ? Number(columns[9]) : undefined;
}
