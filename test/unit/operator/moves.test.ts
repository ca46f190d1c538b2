import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Metadata, Partition } from "../../../operator/kafka/metadata";
import {
  deadHolders,
  movesOf,
  ownTopics,
  readReassignment,
  readReassignments,
  reassignmentJson,
  sizeFault,
  stillThere,
  unfinished,
} from "../../../operator/kafka/moves";
import type { Assignment, BrokerPlace } from "../../../operator/kafka/placement";

const move = (topic: string, partition: number, ...replicas: number[]): Assignment => ({
  ...{ topic, partition, replicas },
});
const found = (
  topic: string,
  partition: number,
  replicas: number[],
  inSync = replicas,
): Partition => ({ topic, partition, leader: replicas[0] ?? -1, replicas, inSync });
const metadata = (brokers: number[], ...partitions: Partition[]): Metadata => ({
  ...{ brokers, controller: 1, partitions },
});

describe("a reassignment", () => {
  const moves = [move("a", 0, 4, 2), move("a", 1, 5, 2)];

  test("is written as Kafka reads it", () => {
    expect(reassignmentJson(moves)).toBe(
      '{"version":1,"partitions":[{"topic":"a","partition":0,"replicas":[4,2]},' +
        '{"topic":"a","partition":1,"replicas":[5,2]}]}',
    );
  });

  test("is read again", () => {
    expect(readReassignment(reassignmentJson(moves))).toEqual(moves);
    expect(readReassignment(reassignmentJson([]))).toEqual([]);
  });

  test.each(["", "a 0 4,2", '{"version":2,"partitions":[]}', '{"version":1}'])(
    "must have its form; got %j",
    (text) => {
      expect(() => readReassignment(text)).toThrow();
    },
  );

  test("that is under way has its partitions listed", () => {
    const text =
      "Current partition reassignments:\n" +
      "a.b-0: replicas: 1,2,3. adding: 3. removing: 1.\na-b-12: replicas: 1.\n";
    expect(readReassignments(text)).toEqual([
      { topic: "a.b", partition: 0, replicas: [1, 2, 3], adding: [3] },
      { topic: "a-b", partition: 12, replicas: [1], adding: [] },
    ]);
    expect(readReassignments("No partition reassignments found.\n")).toEqual([]);
  });
});

test("moves of topics that were deleted are dropped", () => {
  const moves = [move("a", 0, 4, 2), move("gone", 0, 4), move("a", 3, 1)];
  expect(stillThere(moves, metadata([1], found("a", 0, [1, 2]), found("b", 0, [1])))).toEqual([
    move("a", 0, 4, 2),
  ]);
});

describe("unfinished", () => {
  test.each([
    ["has its former replicas besides", [4, 2, 1], [1, 2], 1],
    ["has its former replicas besides, with the new ones in sync", [4, 2, 1], [4, 2, 1], 1],
    ["has its new replicas", [4, 2], [2, 4], 0],
    ["has its new replicas in another order", [2, 4], [2, 4], 0],
    ["has its new replicas, but not in sync", [4, 2], [2], 1],
    // Kafka does not move it: the move was cancelled, or the operator ended before it began.
    ["has one of its new replicas only", [2, 3], [2, 3], 0],
    ["has its former replicas only", [1, 3], [1, 3], 0],
  ])("a partition that %s", (_, replicas, inSync, count) => {
    const moves = [move("a", 0, 4, 2)];
    const now = metadata([1, 2, 3, 4], found("a", 0, replicas, inSync));
    expect(unfinished(moves, now)).toEqual(moves.slice(0, count));
  });

  test("a partition that is gone", () => {
    expect(unfinished([move("gone", 0, 4)], metadata([1], found("a", 0, [1])))).toEqual([]);
  });
});

test("dead holders have replicas and are not registered", () => {
  const partitions = [found("a", 0, [9, 1]), found("a", 1, [10, 9]), found("b", 0, [2])];
  expect(deadHolders(metadata([1, 2, 3], ...partitions))).toEqual([9, 10]);
  expect(deadHolders(metadata([1, 2, 9, 10], ...partitions))).toEqual([]);
});

describe("sizeFault", () => {
  const partitions = metadata(
    [1, 2, 3, 4, 5],
    found("a", 0, [1, 2, 3, 4]),
    found("a", 1, [1, 2, 3, 4]),
    found("b", 0, [1, 2, 3, 4, 5]),
    found("c", 0, [1, 2, 3]),
  );

  test("more replicas than brokers are refused, with the topics named", () => {
    expect(sizeFault(partitions, 3)).toBe(
      'setting "kafkalab:brokers": it must be 5 or more, as many as these topics have ' +
        "replicas: a (4), b (5); got 3. Nothing was moved and no broker restarted. Set it to 5; or " +
        "delete these topics, or give them fewer replicas with " +
        "/usr/local/kafka/bin/kafka-reassign-partitions.sh on a broker, and run up again.",
    );
  });

  test("as many as brokers are not", () => {
    expect(sizeFault(partitions, 5)).toBeUndefined();
    expect(sizeFault(metadata([1]), 1)).toBeUndefined();
  });
});

describe("movesOf", () => {
  const brokers = (racks: string): BrokerPlace[] =>
    [...racks].map((rack, index) => ({ id: index + 1, rack }));

  test("gives Kafka's own topics and the smoke test's the copies that they lack", () => {
    const own = ownTopics("smoke", 3);
    const before = [
      found("__consumer_offsets", 0, [1]),
      found("__transaction_state", 0, [2, 1]),
      found("mine", 0, [1]),
      found("smoke", 0, [3]),
    ];
    const moves = movesOf(metadata([1, 2, 3], ...before), brokers("abc"), own);
    expect(moves.map(({ topic, replicas }) => [topic, [...replicas].sort()])).toEqual([
      ["__consumer_offsets", [1, 2, 3]],
      ["__transaction_state", [1, 2, 3]],
      ["smoke", [1, 2, 3]],
    ]);
  });

  test.each([
    ["no more copies than there are brokers", [1, 2], "ab", 3],
    ["no fewer copies", [1, 2, 3], "abc", 2],
  ])("asks for %s", (_, replicas, racks, factor) => {
    const before = metadata([1, 2, 3], found("smoke", 0, replicas));
    expect(movesOf(before, brokers(racks), ownTopics("smoke", factor))).toEqual([]);
  });

  const scene = fc
    .record({
      racks: fc.stringMatching(/^[abc]{1,6}$/),
      factor: fc.integer({ min: 1, max: 4 }),
      orders: fc.array(fc.shuffledSubarray([1, 2, 3, 4, 5, 6], { minLength: 1, maxLength: 3 }), {
        minLength: 1,
        maxLength: 12,
      }),
      owned: fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
    })
    .map(({ racks, factor, orders, owned }) => {
      const places = brokers(racks);
      const everywhere = found(
        "everywhere",
        0,
        [...places.keys()].map((index) => index + 1),
      );
      const partitions = orders
        .map((order) => order.filter((id) => id <= places.length))
        .filter((replicas) => replicas.length > 0)
        .map((replicas, index) => found(owned[index] === true ? "smoke" : "t", index, replicas));
      // No broker is new and none leaves, so nothing moves but for the factor.
      return { places, factor, partitions: [everywhere, ...partitions] };
    });

  test("only adds copies where only the factor is raised", () => {
    fc.assert(
      fc.property(scene, ({ places, factor, partitions }) => {
        const ids = places.map(({ id }) => id);
        const own = ownTopics("smoke", factor);
        const moves = movesOf(metadata(ids, ...partitions), places, own);
        for (const { topic, partition, replicas } of partitions) {
          const planned = moves.find(
            (each) => each.topic === topic && each.partition === partition,
          )?.replicas;
          const lacks = topic === "smoke" && replicas.length < Math.min(factor, places.length);
          expect(planned !== undefined).toBe(lacks);
          if (planned !== undefined) {
            expect(planned).toEqual(expect.arrayContaining([...replicas]));
            expect(planned).toHaveLength(Math.min(factor, places.length));
            expect(new Set(planned).size).toBe(planned.length);
            expect(planned.every((id) => ids.includes(id))).toBe(true);
          }
        }
      }),
    );
  });
});
