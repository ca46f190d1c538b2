import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nextRollStep, type RollNode } from "../../../operator/zookeeper/roll";

type State = "current" | "outdated" | "electing" | "down";

const node = (id: number, state: State): RollNode => ({
  id,
  isCurrent: state === "current",
  serves: state === "current" || state === "outdated",
  isActive: state !== "down",
});

describe("the next step of a roll", () => {
  test("nothing where all run with their files", () => {
    expect(nextRollStep([node(1, "current"), node(2, "current")], 1, true)).toBeUndefined();
    // The wait for the ensemble says what keeps such a node from serving.
    expect(
      nextRollStep([{ ...node(1, "down"), isCurrent: true }], undefined, true),
    ).toBeUndefined();
  });

  test("nodes that do not serve start all at once, before any other restarts", () => {
    const nodes = [node(1, "down"), node(2, "outdated"), node(3, "down")];
    expect(nextRollStep(nodes, 2, true)).toEqual({ do: "start", ids: [1, 3] });
  });

  test("nodes that run have some time to serve before they count as down", () => {
    const [electing, down] = [node(1, "electing"), node(3, "down")];
    expect(nextRollStep([electing, node(2, "outdated")], 2, true)).toEqual({ do: "wait" });
    expect(nextRollStep([electing, down], undefined, true)).toEqual({ do: "start", ids: [3] });
    expect(nextRollStep([electing, down], undefined, false)).toEqual({ do: "start", ids: [1, 3] });
  });

  test.each([
    [undefined, 3],
    [1, 3],
    [3, 2],
  ])("from the last to the first, the leader (%s) last", (leader, id) => {
    const nodes = [1, 2, 3].map((each) => node(each, "outdated"));
    expect(nextRollStep(nodes, leader, true)).toEqual({ do: "restart", id });
  });

  test("the leader's turn comes at the end", () => {
    const nodes = [node(1, "current"), node(2, "outdated"), node(3, "current")];
    expect(nextRollStep(nodes, 2, true)).toEqual({ do: "restart", id: 2 });
  });
});

describe("any roll", () => {
  const scene = fc
    .record({
      states: fc.array(fc.constantFrom<State>("current", "outdated", "electing", "down"), {
        minLength: 1,
        maxLength: 9,
      }),
      at: fc.nat(),
    })
    .map(({ states, at }) => {
      const nodes = states.map((state, index) => node(index + 1, state));
      const serving = nodes.filter(({ serves }) => serves);
      return { nodes, leader: serving[at % serving.length]?.id };
    });

  test("starts what is down once, restarts each other outdated node once, the leader last", () => {
    fc.assert(
      fc.property(scene, ({ nodes, leader }) => {
        const outdated = nodes.filter(({ isCurrent, serves }) => !isCurrent && serves);
        const restarted: number[] = [];
        let [now, starts] = [nodes, 0];
        for (;;) {
          const step = nextRollStep(now, leader, false);
          if (step === undefined) {
            break;
          }
          expect(step.do).not.toBe("wait");
          if (step.do === "wait") {
            break;
          }
          if (step.do === "start") {
            expect(restarted).toEqual([]);
            expect(step.ids).toEqual(
              nodes.filter(({ isCurrent, serves }) => !isCurrent && !serves).map(({ id }) => id),
            );
            starts += 1;
          } else {
            restarted.push(step.id);
          }
          const changed = step.do === "start" ? step.ids : [step.id];
          now = now.map((each) =>
            changed.includes(each.id)
              ? { ...each, isCurrent: true, serves: true, isActive: true }
              : each,
          );
        }
        expect(starts).toBeLessThanOrEqual(1);
        const followers = outdated.map(({ id }) => id).filter((id) => id !== leader);
        const leads = outdated.some(({ id }) => id === leader) ? [leader] : [];
        expect(restarted).toEqual([...followers.reverse(), ...leads]);
        expect(now.every(({ isCurrent }) => isCurrent)).toBe(true);
      }),
    );
  });
});
