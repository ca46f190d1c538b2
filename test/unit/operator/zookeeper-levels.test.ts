import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type LevelNode, levelOf, nextLevels } from "../../../operator/zookeeper/levels";

const FIRST = "a=1\nprovider=p\nsasl=on";
const LEVELS = ["a=1", FIRST, `${FIRST}\nlearner=on`, `${FIRST}\nlearner=on\nserver=on`];

describe("the level of a configuration", () => {
  test.each(LEVELS.map((config, level) => [level, config] as const))("%i", (level, config) => {
    expect(levelOf(config, LEVELS)).toBe(level);
    // Another setting has another value.
    expect(levelOf(config.replace("a=1", "a=2\nb=3"), LEVELS)).toBe(level);
  });

  test("is the one that it agrees with in most keys if a release of the lab adds a line", () => {
    const later = LEVELS.map((config, level) => (level === 0 ? config : `${config}\nthreads=20`));
    expect(LEVELS.map((config) => levelOf(config, later))).toEqual([0, 1, 2, 3]);
  });

  test("is the only one if there is one", () => {
    expect(levelOf("b=1", ["a=1"])).toBe(0);
  });
});

const nodes = (...levels: (number | undefined)[]): LevelNode[] =>
  levels.map((level, index) => ({ id: index + 1, level, isCertain: true }));

const next = (present: readonly LevelNode[], wanted: number) => [
  ...nextLevels(present, wanted).values(),
];

describe("the next levels", () => {
  test.each([
    ["up, one level at a time", [0, 0, 0], 3, [1, 1, 1]],
    ["up, after a killed run", [1, 0, 0], 3, [1, 1, 1]],
    ["down, one level at a time", [3, 3, 3], 0, [2, 2, 2]],
    ["down, after a killed run", [3, 2, 3], 0, [2, 2, 2]],
    ["back, before all nodes are up", [1, 0, 0], 0, [0, 0, 0]],
    ["nowhere at the wanted level", [3, 3, 3], 3, [3, 3, 3]],
    ["a new node as the others at the wanted level", [3, 3, undefined], 3, [3, 3, 3]],
    ["a new node as the others on their way", [1, 1, undefined], 3, [2, 2, 2]],
    ["a new node as the others on their way down", [3, 2, undefined], 0, [2, 2, 2]],
    ["a new ensemble at the wanted level at once", [undefined, undefined], 3, [3, 3]],
  ])("%s", (_, present, wanted, expected) => {
    expect(next(nodes(...present), wanted)).toEqual(expected);
  });

  test("nowhere while a process may not have the level of its files", () => {
    const [, ...others] = nodes(1, 1, undefined);
    expect(next([{ id: 1, level: 1, isCertain: false }, ...others], 3)).toEqual([1, 1, 1]);
    expect(next([{ id: 1, level: 2, isCertain: false }, ...others], 0)).toEqual([2, 1, 1]);
  });
});

/** Changes nodes one by one, in any order, and may be killed and asked for another level at any time. */
describe("any way to a level", () => {
  const scene = fc.record({
    present: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 5 }),
    wishes: fc.array(fc.record({ wanted: fc.integer({ min: 0, max: 3 }), steps: fc.nat(8) }), {
      maxLength: 4,
    }),
    last: fc.integer({ min: 0, max: 3 }),
    order: fc.infiniteStream(fc.nat(10)),
  });

  test("ends at the wanted level, and running nodes differ by one level at most", () => {
    fc.assert(
      fc.property(scene, ({ present, wishes, last, order }) => {
        const base = present[0] ?? 0;
        let now = nodes(...present.map((level) => Math.min(3, base + (level % 2))));
        for (const { wanted, steps } of [...wishes, { wanted: last, steps: 100 }]) {
          for (let step = 0; step < steps; step++) {
            const levels = nextLevels(now, wanted);
            const behind = now.filter(({ id, level }) => levels.get(id) !== level);
            if (behind.length === 0) {
              break;
            }
            const changed = behind[order.next().value % behind.length];
            now = now.map((node) =>
              node === changed ? { ...node, level: levels.get(node.id) } : node,
            );
            const known = now.flatMap(({ level }) => level ?? []);
            expect(Math.max(...known) - Math.min(...known)).toBeLessThanOrEqual(1);
          }
        }
        expect(now.map(({ level }) => level)).toEqual(now.map(() => last));
      }),
    );
  });
});
