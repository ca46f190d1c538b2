import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  describeHealth,
  type Excuses,
  healthOf,
  isWhole,
  isSick,
  serves,
  without,
} from "../../../operator/kafka/health";
import { unavailableWithout } from "../../../operator/kafka/availability";
import type { Metadata, Partition } from "../../../operator/kafka/metadata";

const partition = (inSync: number[], { leader = 1, replicas = [1, 2, 3] } = {}): Partition => ({
  topic: "peter-overview01",
  partition: 0,
  leader,
  replicas,
  inSync,
});
const metadata = (brokers: number[], ...partitions: Partition[]): Metadata => ({
  brokers,
  controller: undefined,
  partitions,
});

describe("healthOf", () => {
  test.each([
    ["all is well", [1, 2, 3], [partition([3, 1, 2])], "whole: brokers 1,2,3"],
    ["no topic", [1, 2, 3], [], "whole: brokers 1,2,3"],
    ["a broker is missing", [1, 3], [], "brokers 1,3; missing 2"],
    [
      "a replica lags",
      [1, 2, 3],
      [partition([1, 2])],
      "brokers 1,2,3; under-replicated peter-overview01-0",
    ],
    [
      "no leader",
      [1, 2, 3],
      [partition([1, 2, 3], { leader: -1 })],
      "brokers 1,2,3; without a leader peter-overview01-0",
    ],
    [
      "no leader, and a replica of it and of another partition lags",
      [1, 2, 3],
      [partition([1, 2], { leader: -1 }), { ...partition([1, 2]), partition: 1 }],
      "brokers 1,2,3; without a leader peter-overview01-0; under-replicated peter-overview01-1",
    ],
    ["nobody", [], [], "brokers none; missing 1,2,3"],
    [
      "a broker is missing and a replica lags",
      [1, 2],
      [partition([1, 2])],
      "brokers 1,2; missing 3; under-replicated peter-overview01-0",
    ],
  ])("%s", (_, brokers, partitions, text) => {
    const health = healthOf(metadata(brokers, ...partitions), [1, 2, 3]);
    expect(describeHealth(health)).toBe(text);
    expect(isWhole(health)).toBe(text.startsWith("whole"));
  });

  test("a cluster without brokers is not whole, even if none is wanted", () => {
    expect(isWhole(healthOf(metadata([]), []))).toBe(false);
  });

  const onLeaving = partition([1], { replicas: [1, 9] });
  const onSick = partition([1], { replicas: [1, 2] });
  test.each<[string, Metadata, number[], Excuses, boolean]>([
    ["a broker that leaves and is gone", metadata([1], onLeaving), [1], {}, false],
    ["the same, excused", metadata([1], onLeaving), [1], { leaving: true }, true],
    ["one that leaves and is there", metadata([1, 9], onLeaving), [1], { leaving: true }, false],
    ["one that is wanted and gone", metadata([1], onSick), [1, 2], { leaving: true }, false],
    ["a sick broker", metadata([1, 2], onSick), [1, 2], {}, false],
    ["the same, excused", metadata([1, 2], onSick), [1, 2], { sick: [2] }, true],
    ["a sick broker that is gone, excused", metadata([1], onSick), [1, 2], { sick: [2] }, true],
    [
      "a partition without a leader, with all of its brokers excused",
      metadata([1, 2], partition([], { leader: -1, replicas: [2] })),
      [1, 2],
      { sick: [2] },
      true,
    ],
    [
      "a partition without a leader, with one of its brokers excused",
      metadata([1, 2, 3], partition([], { leader: -1, replicas: [2, 3] })),
      [1, 2, 3],
      { sick: [2] },
      false,
    ],
  ])("a lagging replica of %s", (_, found, wanted, excuses, whole) => {
    expect(isWhole(healthOf(found, wanted, excuses))).toBe(whole);
  });
});

test("sick brokers are not registered, or lack a replica in sync", () => {
  const lagging = partition([1], { replicas: [1, 2, 4] });
  const known = metadata([1, 2, 3], lagging, partition([1, 2, 3]));
  expect([1, 2, 3, 4].filter((id) => isSick(known, id))).toEqual([2, 4]);
  const whole = metadata([1, 2, 3], partition([1, 2, 3]));
  expect([1, 2, 3].filter((id) => isSick(whole, id))).toEqual([]);
});

const UP = { answers: true, isActive: true, isOpen: true };

test.each([
  ["answers", UP, [1, 2, 3], true],
  ["answers and is not registered", UP, [1, 3], true],
  ["is registered and answers too late", { ...UP, answers: false, isOpen: false }, [1, 2, 3], true],
  ["listens, and no broker answers", { ...UP, answers: false }, undefined, true],
  ["neither listens nor is registered", { ...UP, answers: false, isOpen: false }, [1, 3], false],
  [
    "has ended and is still registered",
    { answers: false, isActive: false, isOpen: false },
    [1, 2, 3],
    false,
  ],
  ["has ended, and something else listens", { ...UP, answers: false, isActive: false }, [1], false],
])("a broker that %s", (_, signs, brokers, expected) => {
  expect(serves(2, signs, brokers && metadata(brokers))).toBe(expected);
});

test("partitions that move make no broker sick", () => {
  const known = metadata([1, 2, 3], partition([1, 2]));
  expect(isSick(known, 3)).toBe(true);
  expect(isSick(without(known, new Set(["peter-overview01-0"])), 3)).toBe(false);
});

describe("unavailableWithout", () => {
  test.each([
    ["enough others are in sync", [1, 2, 3], 2, []],
    ["too few others are in sync", [1, 2], 2, ["peter-overview01-0"]],
    ["another one lacks, too", [2, 3], 2, []],
    ["as many replicas as it needs", [1, 2, 3], 3, []],
    ["the last one in sync", [1], 1, ["peter-overview01-0"]],
    ["the last one in sync where more are needed", [1], 2, ["peter-overview01-0"]],
  ])("of broker 1: %s", (_, inSync, minInSync, lost) => {
    expect(unavailableWithout(1, [partition(inSync)], () => minInSync)).toEqual(lost);
  });

  test("asks for each topic's own number", () => {
    const topics = ["one", "two"].map((topic) => ({ ...partition([1, 2]), topic }));
    expect(unavailableWithout(1, topics, (topic) => (topic === "one" ? 1 : 2))).toEqual(["two-0"]);
  });

  const any = fc
    .record({
      replicas: fc.uniqueArray(fc.integer({ min: 1, max: 5 }), { minLength: 1 }),
      lag: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
      topic: fc.constantFrom("a", "b"),
    })
    .map(({ replicas, lag, topic }) => ({
      ...{ topic, leader: 1, replicas },
      inSync: replicas.filter((_, index) => lag[index] !== true),
    }));

  test("names those that a stop takes a needed replica from, and no others", () => {
    const minimums = fc.record({ a: fc.integer({ min: 1, max: 4 }), b: fc.nat(4) });
    fc.assert(
      fc.property(fc.array(any), fc.integer({ min: 1, max: 5 }), minimums, (found, stopped, of) => {
        const partitions = found.map((one, number) => ({ ...one, partition: number }));
        const minInSync = (topic: string) => (topic === "a" ? of.a : of.b);
        const expected: string[] = [];
        for (const { topic, partition: number, replicas, inSync } of partitions) {
          const before = new Set(inSync);
          const after = new Set(inSync);
          after.delete(stopped);
          const isTouched = before.size !== after.size;
          const canEverRestart = replicas.length - 1 >= minInSync(topic);
          if (isTouched && canEverRestart && after.size < minInSync(topic)) {
            expected.push(`${topic}-${number}`);
          }
        }
        expect(unavailableWithout(stopped, partitions, minInSync)).toEqual(expected);
      }),
    );
  });
});
