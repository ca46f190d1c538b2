import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Assignment, type BrokerPlace, planMoves } from "../../../operator/kafka/placement";

const brokers = (racks: string): BrokerPlace[] =>
  [...racks].map((rack, index) => ({ id: index + 1, rack }));
const topic = (name: string, ...replicas: number[][]): Assignment[] =>
  replicas.map((each, partition) => ({ topic: name, partition, replicas: each }));

/** The assignments after the moves. */
function after(before: Assignment[], moves: Assignment[]): Assignment[] {
  return before.map(
    (one) =>
      moves.find((move) => move.topic === one.topic && move.partition === one.partition) ?? one,
  );
}

const countOf = (assignments: Assignment[], id: number) =>
  assignments.filter(({ replicas }) => replicas.includes(id)).length;

describe("planMoves", () => {
  test("moves nothing where the brokers are the same", () => {
    const before = topic("t", [1, 2, 3], [1, 2, 3], [1, 2, 3]);
    expect(planMoves(before, brokers("abc"))).toEqual([]);
  });

  test("moves the replicas of a broker that leaves, keeps racks apart, and spreads the leaders", () => {
    const before = topic("t", [4, 2, 3], [1, 2, 4]);
    expect(planMoves(before, brokers("abc"))).toEqual(topic("t", [2, 1, 3], [1, 2, 3]));
  });

  test("gives a new broker a share of the topic that is spread least", () => {
    const before = [...topic("big", [1], [1], [1], [1]), ...topic("small", [2])];
    const moves = planMoves(before, brokers("aaa"));
    expect(moves.map((move) => [move.topic, move.replicas])).toEqual([
      ["big", [3]],
      ["big", [3]],
    ]);
  });

  test("places the replicas of a new partition", () => {
    const before = [...topic("old", [1, 2]), { topic: "new", partition: 0, replicas: [-1, -2] }];
    expect(planMoves(before, brokers("ab"))).toEqual([
      { topic: "new", partition: 0, replicas: [2, 1] },
    ]);
  });
});

describe("planMoves, on topics that Kafka has dealt out", () => {
  const dealt = (name: string, partitions: number, factor: number) =>
    topic(
      name,
      ...Array.from({ length: partitions }, (_, partition) =>
        Array.from({ length: factor }, (__, place) => ((partition + place) % 3) + 1),
      ),
    );
  const three = [...dealt("a", 6, 3), ...dealt("b", 6, 2)];
  const ZONES = "abcab";

  /** Replicas and preferred leaderships of brokers 1 to 5. */
  const shares = (assignments: Assignment[]) =>
    [1, 2, 3, 4, 5].map(
      (id) =>
        `${countOf(assignments, id)}/${assignments.filter(({ replicas }) => replicas[0] === id).length}`,
    );

  test("new brokers get what keeps racks apart, and lead", () => {
    const moves = planMoves(three, brokers(ZONES));
    const five = after(three, moves);
    expect(shares(five)).toEqual(["6/3", "6/2", "8/3", "5/2", "5/2"]);
    expect(moves).toHaveLength(6);
    for (const { replicas } of five) {
      expect(new Set(replicas.map((id) => ZONES[id - 1])).size).toBe(replicas.length);
    }
    expect(planMoves(five, brokers(ZONES))).toEqual([]);
  });

  test("brokers that go hand over what they have, and nothing else moves", () => {
    const five = after(three, planMoves(three, brokers(ZONES)));
    const moves = planMoves(five, brokers("abc"));
    expect(shares(after(five, moves))).toEqual(["10/4", "10/4", "10/4", "0/0", "0/0"]);
    const held = five.filter(({ replicas }) => replicas.some((id) => id > 3));
    expect(moves).toHaveLength(held.length);
  });

  test.each([
    [
      "a layout made by hand, on all brokers",
      [...topic("a", [1, 2], [1, 2]), ...topic("b", [3])],
      "abc",
    ],
    ["fewer partitions than brokers", [...topic("a", [1]), ...topic("b", [2])], ZONES],
    ["no topic", [], "abc"],
  ])("%s: nothing moves", (_, before, racks) => {
    expect(planMoves(before, brokers(racks))).toEqual([]);
  });

  test("two moves of one partition keep its replicas apart", () => {
    const before = [...topic("a", [4, 5]), ...topic("b", [1, 2], [2, 3])];
    expect(planMoves(before, brokers("abc"))).toEqual(topic("a", [3, 1]));
  });

  test("a partition with more replicas than brokers keeps the ones that cannot move", () => {
    expect(planMoves(topic("a", [4, 1, 2]), brokers("ab"))).toEqual([]);
  });

  test("many partitions are planned in seconds", () => {
    const many = Array.from({ length: 100 }, (_, index) => dealt(`t${index}`, 10, 3)).flat();
    const counts = shares(after(many, planMoves(many, brokers(ZONES))));
    expect(counts.map((share) => share.split("/")[0])).toEqual([
      ...["500", "500", "1000", "500", "500"],
    ]);
  });

  test("a new topic gets only brokers that stay", () => {
    const made = Array.from({ length: 3 }, (_, partition) => ({
      ...{ topic: "new", partition, replicas: [-1, -2] },
    }));
    expect(planMoves(made, brokers("abc")).map(({ replicas }) => replicas)).toEqual([
      [1, 2],
      [2, 3],
      [3, 1],
    ]);
  });
});

describe("any plan", () => {
  const RACKS = ["a", "b", "c"];
  const scene = fc
    .record({
      racks: fc.array(fc.constantFrom(...RACKS), { minLength: 1, maxLength: 7 }),
      stay: fc.integer({ min: 1, max: 7 }),
      factor: fc.integer({ min: 1, max: 3 }),
      topics: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
      seed: fc.infiniteStream(fc.nat()),
    })
    .map(({ racks, stay, factor, topics, seed }) => {
      const all = racks.map((rack, index) => ({ id: index + 1, rack }));
      const replicas = () => {
        const free = all.map(({ id }) => id);
        const size = Math.min(factor, stay, free.length);
        return Array.from({ length: size }, () => {
          const [id] = free.splice((seed.next().value as number) % free.length, 1);
          return id ?? 0;
        });
      };
      return {
        before: topics.flatMap((count, index) =>
          topic(`t${index}`, ...Array.from({ length: count }, replicas)),
        ),
        brokers: all.slice(0, stay),
      };
    });

  const inRacks = ({ replicas }: Assignment, places: BrokerPlace[]) =>
    new Set(replicas.map((id) => places.find((place) => place.id === id)?.rack)).size;

  test("has each replica on a broker of its own that stays, and no fewer of them", () => {
    fc.assert(
      fc.property(scene, ({ before, brokers: places }) => {
        for (const [index, { replicas }] of after(before, planMoves(before, places)).entries()) {
          expect(new Set(replicas).size).toBe(replicas.length);
          expect(replicas).toHaveLength(before[index]?.replicas.length ?? -1);
          expect(replicas.every((id) => places.some((place) => place.id === id))).toBe(true);
        }
      }),
    );
  });

  test("spreads a partition over no fewer racks than it was spread over before", () => {
    fc.assert(
      fc.property(scene, ({ before, brokers: places }) => {
        const stays = ({ replicas, ...rest }: Assignment) => ({
          ...rest,
          replicas: replicas.filter((id) => places.some((place) => place.id === id)),
        });
        for (const [index, one] of after(before, planMoves(before, places)).entries()) {
          const former = before[index];
          if (former === undefined) {
            throw new Error("a partition more");
          }
          expect(inRacks(one, places)).toBeGreaterThanOrEqual(inRacks(stays(former), places));
        }
      }),
    );
  });

  test("moves a replica only off a broker that leaves, or onto one that had none", () => {
    fc.assert(
      fc.property(scene, ({ before, brokers: places }) => {
        const isNew = (id: number) => countOf(before, id) === 0;
        const leaves = (id: number) => !places.some((place) => place.id === id);
        for (const move of planMoves(before, places)) {
          const former = before.find(
            (one) => one.topic === move.topic && one.partition === move.partition,
          );
          const added = move.replicas.filter((id) => !former?.replicas.includes(id));
          const removed = former?.replicas.filter((id) => !move.replicas.includes(id)) ?? [];
          expect(added).toHaveLength(removed.length);
          expect(added.filter(isNew).length).toBeGreaterThanOrEqual(
            removed.filter((id) => !leaves(id)).length,
          );
        }
      }),
    );
  });

  test("spreads a partition over as many racks as the replicas that stay allow", () => {
    fc.assert(
      fc.property(scene, ({ before, brokers: places }) => {
        const racks = new Set(places.map(({ rack }) => rack)).size;
        for (const [index, one] of after(before, planMoves(before, places)).entries()) {
          const staying = (before[index]?.replicas ?? []).filter((id) =>
            places.some((place) => place.id === id),
          );
          const kept = inRacks({ ...one, replicas: staying }, places);
          const free = one.replicas.length - staying.length;
          expect(inRacks(one, places)).toBeGreaterThanOrEqual(Math.min(racks, kept + free));
        }
      }),
    );
  });

  test("changes only partitions that a broker leaves, or that a new one takes a replica of", () => {
    fc.assert(
      fc.property(scene, ({ before, brokers: places }) => {
        const ids = places.map(({ id }) => id);
        const fresh = ids.filter((id) => countOf(before, id) === 0);
        for (const { topic: name, partition, replicas } of planMoves(before, places)) {
          const former = before.find(
            (one) => one.topic === name && one.partition === partition,
          )?.replicas;
          const hasLeft = former?.some((id) => !ids.includes(id));
          expect(hasLeft === true || replicas.some((id) => fresh.includes(id))).toBe(true);
        }
      }),
    );
  });

  test("gives a new broker no more than the fullest broker that gave keeps", () => {
    fc.assert(
      fc.property(scene, ({ before, brokers: places }) => {
        const taker = places.length + 1;
        const settled = after(before, planMoves(before, places));
        const moves = planMoves(settled, [...places, { id: taker, rack: "c" }]);
        const grown = after(settled, moves);
        const givers = places.filter(({ id }) => countOf(grown, id) < countOf(settled, id));
        const most = Math.max(...givers.map(({ id }) => countOf(grown, id)));
        expect(givers.length === 0 || most >= countOf(grown, taker)).toBe(true);
      }),
    );
  });

  test("needs no second one", () => {
    fc.assert(
      fc.property(scene, ({ before, brokers: places }) => {
        expect(planMoves(after(before, planMoves(before, places)), places)).toEqual([]);
      }),
    );
  });
});
