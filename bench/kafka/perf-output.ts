/** One case of the load: how long a record is, who must have it, and how many send it. */
export interface Case {
  size: number;
  acks: "1" | "all";
  producers: number;
}

/** What Kafka's own tools have measured in a case. */
export interface Measured extends Case {
  /** Of all producers together. */
  recordsPerSecond: number;
  /** Milliseconds until a record is acknowledged; of the slowest producer. */
  p50: number;
  p99: number;
  /** Of one consumer that reads what they have sent. */
  consumedPerSecond: number;
}

/** A case as `load.sh` takes it and tells it. */
export const caseName = ({ size, acks, producers }: Case) => `${size}:${acks}:${producers}`;

/** Reads what `load.sh` has printed. What is missing is an error: no figure is made up. */
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

/** The last line of `kafka-producer-perf-test`; lines on the way there have no percentiles. */
function readProducer(line: string) {
  const [, records, p50, p99] = PRODUCER.exec(line) ?? [];
  return records === undefined
    ? undefined
    : { recordsPerSecond: Number(records), p50: Number(p50), p99: Number(p99) };
}

/**
 * Records per second of `kafka-consumer-perf-test`: the last of ten columns, which leaves out the
 * time that it waits for its partitions.
 */
function readConsumer(line: string): number | undefined {
  const columns = line.split(", ");
  return columns.length === 10 ? Number(columns[9]) : undefined;
}
