import { describe, expect, test } from "vitest";
import { protocolOf } from "../../../operator/kafka/protocol";
import {
  type BrokerLook,
  nextRollStep,
  type RollRules,
  type RollStep,
} from "../../../operator/kafka/roll";
import { noteOf } from "../../../operator/service/files";
import { type Facts, files, LIVE } from "./support";

/** A broker that runs well with its files. */
function broker(id: number, present: Facts, wanted: Facts, more: Partial<BrokerLook> = {}) {
  const [there, wish] = [files(present), files(wanted)];
  return {
    ...{ id, serves: true, isSick: false, files: there, running: noteOf(there) },
    ...{ protocol: protocolOf(there.config), wanted: wish },
    ...more,
  } satisfies BrokerLook;
}

/** A broker that has never run. */
const founder = (id: number, wanted: Facts) =>
  broker(id, {}, wanted, {
    ...{ serves: false, files: undefined, running: undefined, protocol: undefined },
  });

const RULES: RollRules = {
  liveKeys: new Set([LIVE]),
  ...{ controller: undefined, refused: new Set<number>(), started: new Set<number>() },
};

/** `restart 3 3.9.1/3.8`: who is changed, and the release and the protocol that it gets. */
function told(step: RollStep | undefined): string {
  if (step === undefined) {
    return "nothing";
  }
  const changes = step.do === "restart" ? [step.change] : step.changes;
  const parts = changes.map(
    ({ broker: id, files: given }) =>
      `${id} ${given.release.replace(/.*-/, "")}/${protocolOf(given.config)}`,
  );
  return `${step.do} ${parts.join(", ")}`;
}

describe("nextRollStep", () => {
  const same = (id: number) => broker(id, {}, {});
  const other = (id: number, more: Partial<BrokerLook> = {}) =>
    broker(id, { fixed: "2" }, {}, more);
  const old = { release: "3.8.1", protocol: "3.8" };
  const kept = { protocol: "3.8" };

  test.each<[string, BrokerLook[], Partial<RollRules>, string]>([
    ["nothing differs", [same(1), same(2)], {}, "nothing"],
    [
      "new brokers start at once",
      [founder(1, {}), founder(2, {})],
      {},
      "start 1 3.9.1/3.9, 2 3.9.1/3.9",
    ],
    ["the last one comes first", [other(1), other(2), same(3)], {}, "restart 2 3.9.1/3.9"],
    ["the controller comes last", [other(1), other(2)], { controller: 2 }, "restart 1 3.9.1/3.9"],
    ["even the controller comes", [same(1), other(2)], { controller: 2 }, "restart 2 3.9.1/3.9"],
    [
      "broker 22 is not the controller 2",
      [other(1), other(2), other(22)],
      { controller: 2 },
      "restart 22 3.9.1/3.9",
    ],
    ["a sick one comes first", [other(1, { isSick: true }), other(2)], {}, "restart 1 3.9.1/3.9"],
    [
      "a sick controller comes first",
      [other(1, { isSick: true }), other(2)],
      { controller: 1 },
      "restart 1 3.9.1/3.9",
    ],
    [
      "a sick one that is as wanted is left alone",
      [broker(1, {}, {}, { isSick: true }), other(2)],
      {},
      "restart 2 3.9.1/3.9",
    ],
    [
      "one that does not serve comes before all",
      [other(1, { serves: false }), other(2, { isSick: true })],
      {},
      "start 1 3.9.1/3.9",
    ],
    [
      "one that does not serve is not restarted in vain",
      [broker(1, {}, {}, { serves: false })],
      {},
      "nothing",
    ],
    [
      "one that was just started has time",
      [other(1, { serves: false })],
      { started: new Set([1]) },
      "nothing",
    ],
    [
      "files that are written but do not run yet",
      [broker(1, {}, {}, { running: "former" })],
      {},
      "restart 1 3.9.1/3.9",
    ],
  ])("%s", (_, brokers, rules, step) => {
    expect(told(nextRollStep(brokers, { ...RULES, ...rules }))).toBe(step);
  });

  test.each<[string, BrokerLook[], string]>([
    [
      "in the first round an older one is kept",
      [broker(1, old, {}), broker(2, old, {})],
      "restart 2 3.9.1/3.8",
    ],
    [
      "so it is while one runs the old release",
      [broker(1, old, {}), broker(2, kept, {})],
      "restart 1 3.9.1/3.8",
    ],
    [
      "in the second round it is raised",
      [broker(1, kept, {}), broker(2, kept, {})],
      "restart 2 3.9.1/3.9",
    ],
    ["then on all", [broker(1, kept, {}), broker(2, {}, {})], "restart 1 3.9.1/3.9"],
    ["the same one is not held back", [broker(1, { release: "3.9.0" }, {})], "restart 1 3.9.1/3.9"],
    ["a new broker has nothing to hold back", [founder(1, {})], "start 1 3.9.1/3.9"],
    [
      "a new broker speaks what the others do",
      [broker(1, old, {}), broker(2, old, {}), founder(3, {})],
      "start 3 3.9.1/3.8",
    ],
    [
      "it is not raised while a broker does not serve",
      [broker(1, kept, {}), broker(2, kept, {}, { serves: false })],
      "nothing",
    ],
    [
      "it is not raised while a broker runs other files than are written",
      [broker(1, kept, {}), broker(2, kept, {}, { running: "r" })],
      "restart 2 3.9.1/3.8",
    ],
    [
      "versions are numbers",
      [
        broker(1, { release: "3.9.1", protocol: "3.9" }, { release: "3.10.0", protocol: "3.10" }),
        broker(2, { release: "3.10.0", protocol: "3.10" }, { release: "3.10.0", protocol: "3.10" }),
      ],
      "restart 1 3.10.0/3.9",
    ],
  ])("the protocol: %s", (_, brokers, step) => {
    expect(told(nextRollStep(brokers, RULES))).toBe(step);
  });

  describe("keys that a broker can change while it runs", () => {
    const live = (id: number, more: Partial<BrokerLook> = {}) =>
      broker(id, { live: "2" }, {}, more);

    test("all change at once, and the last broker is the first", () => {
      const step = nextRollStep([live(1), live(2), same(3)], RULES);
      expect(step).toEqual({
        do: "change-live",
        changes: [2, 1].map((id) => ({ broker: id, files: files(), keys: [LIVE] })),
      });
    });

    test.each<[string, BrokerLook, Partial<RollRules>, string[]]>([
      ["with a key that needs a restart", broker(1, { live: "2", fixed: "2" }, {}), {}, [LIVE]],
      ["with another release", broker(1, { live: "2", release: "3.9.0" }, {}), {}, [LIVE]],
      ["after a refusal", live(1), { refused: new Set([1]) }, [LIVE]],
      ["of a broker that runs with other files", live(1, { running: "former" }), {}, [LIVE]],
      ["where no key can", live(1), { liveKeys: new Set<string>() }, []],
      ["with none of them", other(1), {}, []],
    ])("%s: a restart, which knows which they are", (_, one, rules, liveKeys) => {
      expect(nextRollStep([one], { ...RULES, ...rules })).toEqual({
        do: "restart",
        change: { broker: 1, files: files() },
        liveKeys,
      });
    });

    test("the refusal of one broker is not the others'", () => {
      const rules = { ...RULES, refused: new Set([2]) };
      expect(told(nextRollStep([live(1), live(2)], rules))).toBe("change-live 1 3.9.1/3.9");
    });

    test("change before any broker restarts", () => {
      expect(told(nextRollStep([live(1), other(2)], RULES))).toBe("change-live 1 3.9.1/3.9");
    });
  });
});
