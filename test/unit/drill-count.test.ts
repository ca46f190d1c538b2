import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { type Acknowledged, count, readConsumed, readSent } from "../../cli/drill/count";

const OUTPUT = `{"timestamp":1000,"name":"startup_complete"}
{"timestamp":1100,"name":"producer_send_success","key":"1","value":"0.1","offset":0,"topic":"t","partition":0}
{"timestamp":1050,"name":"producer_send_success","key":"0","value":"0.0","offset":0,"topic":"t","partition":1}
[2026-01-01 00:00:00] WARN something of no interest
{"timestamp":1200,"name":"producer_send_error","exception":"class org.apache.kafka.common.errors.TimeoutException","message":"Expiring","key":"2","value":"0.2","topic":"t"}
{"timestamp":1300,"name":"shutdown_complete"}`;

const acknowledged = (...items: [number, number, string][]): Acknowledged[] =>
  items.map(([timestamp, partition, value]) => ({ timestamp, partition, value }));
const sent = (...items: [number, number, string][]) => ({
  acknowledged: acknowledged(...items),
  failed: {},
});
const read = (...lines: string[]) => readConsumed(`${lines.join("\n")}\n`);

const SENT = sent([1000, 0, "0.0"], [1010, 1, "0.1"], [1020, 0, "0.2"], [1030, 1, "0.3"]);
const ALL = ["0 0 0.0", "0 1 0.2", "1 0 0.1", "1 1 0.3"];
const NO_FAULT = { lost: 0, duplicated: 0, outOfOrder: 0 };

test("events of the producer are read, and nothing else", () => {
  expect(readSent(OUTPUT.split("\n"))).toEqual({
    acknowledged: acknowledged([1100, 0, "0.1"], [1050, 1, "0.0"]),
    failed: { TimeoutException: 1 },
  });
});

test("what was read is split into partition, offset and value", () => {
  expect(readConsumed("2 17 0.5\n0 3 a b\n")).toEqual([
    { partition: 2, offset: 17, value: "0.5" },
    { partition: 0, offset: 3, value: "a b" },
  ]);
});

describe("a report", () => {
  test("of a load without a fault has none, in whatever order partitions are read", () => {
    const report = count(SENT, read(...ALL), 1040);
    expect(report).toMatchObject({ acknowledged: 4, failed: 0, ...NO_FAULT });
    expect(count(SENT, read(...[...ALL].reverse()), 1040)).toEqual(report);
    expect(report.partitions[0]).toEqual({
      count: 2,
      sha256: createHash("sha256").update("0 0.0\n1 0.2\n").digest("hex"),
      longestPauseMs: 20,
    });
  });

  test("counts what was acknowledged and is not there, or in another partition", () => {
    expect(count(SENT, read(...ALL.slice(1)), 0)).toMatchObject({ ...NO_FAULT, lost: 1 });
    const moved = [...ALL.slice(1), "1 2 0.0"];
    expect(count(SENT, read(...moved), 0)).toMatchObject({ lost: 1, outOfOrder: 1 });
    expect(count(SENT, [], 0)).toMatchObject({ ...NO_FAULT, lost: 4 });
  });

  test("does not take a message for lost that nobody was told of", () => {
    const report = count(SENT, read(...ALL, "0 2 0.4"), 0);
    expect(report).toMatchObject({ acknowledged: 4, ...NO_FAULT });
    expect(report.partitions[0]?.count).toBe(3);
  });

  test("counts what is there twice once, and not as out of order", () => {
    expect(count(SENT, read(...ALL, "0 2 0.0"), 0)).toMatchObject({ ...NO_FAULT, duplicated: 1 });
  });

  test("counts what comes after one that was sent later", () => {
    const swapped = ["0 0 0.2", "0 1 0.0", "1 0 0.1", "1 1 0.3"];
    expect(count(SENT, read(...swapped), 0)).toMatchObject({ ...NO_FAULT, outOfOrder: 1 });
  });

  test("compares numbers, not texts, and goes on with the run after the host has died", () => {
    const messages = ["0 0 0.9", "0 1 0.10", "0 2 1.0", "0 3 1.1", "0 4 10.0"];
    expect(count(sent(), read(...messages), 0)).toMatchObject(NO_FAULT);
    expect(count(sent(), read("0 0 1.0", "0 1 0.10"), 0)).toMatchObject({ outOfOrder: 1 });
  });

  test("tells the longest pause of all, and of one partition, and lets the last one end at the end", () => {
    const pauses = sent(
      [1000, 0, "0.0"],
      [1300, 1, "0.1"],
      [1200, 1, "0.2"],
      [1900, 0, "0.3"],
      [1950, 1, "0.4"],
    );
    expect(count(pauses, [], 1960)).toMatchObject({
      longestPauseMs: 600,
      longestPartitionPauseMs: 900,
    });
    expect(count(pauses, [], 2960)).toMatchObject({
      longestPauseMs: 1010,
      longestPartitionPauseMs: 1060,
    });
    // Acknowledged while the load was ending.
    expect(count(pauses, [], 1000)).toMatchObject({ longestPauseMs: 600 });
  });

  test("of nothing is empty", () => {
    expect(count(sent(), [], 0)).toEqual({
      ...{ acknowledged: 0, failed: 0, errors: {}, ...NO_FAULT },
      ...{ longestPauseMs: 0, longestPartitionPauseMs: 0, partitions: {} },
    });
  });
});
