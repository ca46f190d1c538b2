import { table } from "../lib/output";

/** The acknowledged records of a partition. */
interface Delivered {
  records: number;
  first: number;
  last: number;
}

/** What the user must see of a line that kcat, librdkafka or ssh prints to standard error, if anything. */
export function remarkIn(line: string): string | undefined {
  const error = /^% ERROR: (.*)$/.exec(line)?.[1];
  if (error !== undefined) {
    return `kafkalab: ${error}`;
  }
  // Other lines that begin like this are remarks of kcat about its progress.
  return line.startsWith("% ") || line === "" ? undefined : line;
}

/** Counts what kcat reports with `-vvv` about the records that it sends. */
export class Deliveries {
  private readonly partitions = new Map<number, Delivered>();
  private readonly reasons = new Set<string>();

  /** The number of acknowledged records. */
  get acknowledged(): number {
    return [...this.partitions.values()].reduce((sum, { records }) => sum + records, 0);
  }

  /**
   * Reads one line of kcat's report.
   *
   * @returns What the user must see of it, if anything.
   */
  read(line: string): string | undefined {
    const [, partition, offset] =
      /^% Message delivered to partition (\d+) \(offset (-?\d+)\)/.exec(line) ?? [];
    if (partition !== undefined && offset !== undefined) {
      this.count(Number(partition), Number(offset));
      return undefined;
    }
    const reason = /^% Delivery failed for message: (.*)$/.exec(line)?.[1];
    if (reason !== undefined) {
      const isKnown = this.reasons.has(reason);
      this.reasons.add(reason);
      return isKnown ? undefined : `kafkalab: Kafka has rejected a record: ${reason}`;
    }
    return remarkIn(line);
  }

  /** A table of the acknowledged records, with a row for each partition. */
  get table(): string {
    const rows = [...this.partitions]
      .sort(([one], [other]) => one - other)
      .map(([partition, { records, first, last }]) => [
        String(partition),
        String(records),
        first === last ? String(first) : `${first}-${last}`,
      ]);
    return table([["PARTITION", "RECORDS", "OFFSETS"], ...rows], [1]);
  }

  private count(partition: number, offset: number): void {
    const before = this.partitions.get(partition);
    this.partitions.set(partition, {
      records: (before?.records ?? 0) + 1,
      // Kafka gives no offset for a record that it already had when the producer sent it again.
      first: offset < 0 ? (before?.first ?? offset) : Math.min(before?.first ?? offset, offset),
      last: Math.max(before?.last ?? offset, offset),
    });
  }
}

/** Counts the lines of an input that are not empty: kcat sends no record for an empty line. */
export class LineCount {
  private complete = 0;
  private isOpen = false;

  /** The number of lines so far; the last one counts even if no line end follows. */
  get lines(): number {
    return this.complete + (this.isOpen ? 1 : 0);
  }

  /** Reads the next part of the input. */
  read(part: Buffer): void {
    let from = 0;
    for (let end = part.indexOf(LINE_END); end >= 0; end = part.indexOf(LINE_END, from)) {
      if (this.isOpen || end > from) {
        this.complete += 1;
      }
      this.isOpen = false;
      from = end + 1;
    }
    this.isOpen ||= from < part.length;
  }
}

const LINE_END = 0x0a;
