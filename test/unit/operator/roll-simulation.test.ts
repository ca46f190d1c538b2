import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { protocolOf, withProtocol } from "../../../operator/kafka/protocol";
import { type BrokerLook, nextRollStep, type RollStep } from "../../../operator/kafka/roll";
import { noteOf, type ServiceFiles } from "../../../operator/service/files";
import { files, LIVE } from "./support";

/** A broker as a roll changes it. */
interface Model {
  id: number;
  wanted: ServiceFiles;
  files: ServiceFiles | undefined;
  /** What its process runs with; undefined while it has none. */
  process: ServiceFiles | undefined;
  serves: boolean;
  isSick: boolean;
  protocol: string | undefined;
}

/** What happens while brokers roll. */
interface Events {
  controller: number;
  refuses: boolean;
  /** Whether brokers that start serve only once nothing else is to do. */
  isSlow: boolean;
  /** Steps after which the operator is killed halfway: a broker has its files, and runs on. */
  kills: ReadonlySet<number>;
}

interface Performed {
  step: RollStep;
  before: Model[];
  controller: number;
  refused: ReadonlySet<number>;
}

const lookOf = ({ process, ...model }: Model): BrokerLook => ({
  ...model,
  running: process && noteOf(process),
});

/** The files but for the protocol. */
const beside = (given: ServiceFiles | undefined) => given && noteOf(withProtocol(given, "any"));

/** Rolls until there is nothing to do. */
function simulate(brokers: readonly Model[], events: Events) {
  const models = brokers.map((model) => ({ ...model }));
  const performed: Performed[] = [];
  let { controller } = events;
  let run = { refused: new Set<number>(), started: new Set<number>() };
  for (let turn = 0; ; turn++) {
    if (turn > 10 * (brokers.length + events.kills.size)) {
      throw new Error("the roll does not end");
    }
    const rules = { liveKeys: new Set([LIVE]), controller, ...run };
    const step = nextRollStep(models.map(lookOf), rules);
    if (step === undefined) {
      if (models.every(({ serves }) => serves)) {
        return { models, performed };
      }
      models.forEach((model) => (model.serves = model.process !== undefined));
      continue;
    }
    const before = models.map((model) => ({ ...model }));
    performed.push({ step, before, controller, refused: new Set(run.refused) });
    const isKilled = events.kills.has(turn);
    perform(step, isKilled);
    if (isKilled) {
      run = { refused: new Set(), started: new Set() };
    }
  }

  function perform(step: RollStep, isKilled: boolean): void {
    if (step.do === "change-live" && events.refuses) {
      step.changes.slice(0, 1).forEach(({ broker }) => run.refused.add(broker));
      return;
    }
    const changes = step.do === "restart" ? [step.change] : step.changes;
    for (const change of changes) {
      const model = models.find(({ id }) => id === change.broker);
      if (model === undefined) {
        throw new Error(`there is no broker ${change.broker}`);
      }
      model.files = change.files;
      model.protocol = protocolOf(change.files.config);
      if (isKilled) {
        return;
      }
      model.process = change.files;
      model.isSick &&= step.do === "change-live";
      if (step.do === "start") {
        model.serves = !events.isSlow;
        run.started.add(model.id);
      } else if (step.do === "restart" && model.id === controller) {
        controller = models.find(({ id, serves }) => serves && id !== controller)?.id ?? controller;
      }
    }
  }
}

describe("any roll", () => {
  const value = fc.constantFrom("1", "2");
  const node = fc.record({
    state: fc.constantFrom("runs", "runs", "runs", "sick", "down", "new", "half-written"),
    live: value,
    fixed: value,
    age: fc.constantFrom(0, 1, 2),
  });
  const scene = fc
    .record({
      nodes: fc.array(node, { minLength: 1, maxLength: 6 }),
      isUpgrade: fc.boolean(),
      wanted: fc.record({ live: value, fixed: value }),
      controller: fc.integer({ min: 1, max: 6 }),
      refuses: fc.boolean(),
      isSlow: fc.boolean(),
      kills: fc.uniqueArray(fc.nat(15), { maxLength: 3 }).map((turns) => new Set(turns)),
    })
    .map(({ nodes, isUpgrade, wanted, ...events }) => ({
      events,
      brokers: nodes.map((each, index) => model(index + 1, each, isUpgrade, files(wanted))),
    }));

  function model(
    id: number,
    { state, live, fixed, age }: { state: string; live: string; fixed: string; age: number },
    isUpgrade: boolean,
    wanted: ServiceFiles,
  ): Model {
    // An upgrade that a former run has begun, or not. It raises no protocol before all run the release.
    const release = isUpgrade && age > 0 ? "3.8.1" : "3.9.1";
    const there = files({ live, fixed, release, protocol: isUpgrade ? "3.8" : "3.9" });
    const runs = state === "down" ? undefined : there;
    const base = { id, wanted, files: there, serves: runs !== undefined };
    return state === "new"
      ? { ...base, files: undefined, process: undefined, serves: false, isSick: false, protocol: undefined } // prettier-ignore
      : {
          ...base,
          files: state === "half-written" ? withProtocol(wanted, protocolOf(there.config)) : there,
          ...{ process: runs, isSick: state === "sick", protocol: protocolOf(there.config) },
        };
  }

  function check(each: (performed: Performed) => void): void {
    fc.assert(
      fc.property(scene, ({ brokers, events }) =>
        simulate(brokers, events).performed.forEach(each),
      ),
      { numRuns: 150 },
    );
  }

  test("ends with every broker on its wanted files", () => {
    fc.assert(
      fc.property(scene, ({ brokers, events }) => {
        for (const { id, files: written, process, wanted } of simulate(brokers, events).models) {
          expect(process && noteOf(process), `broker ${id}`).toBe(noteOf(wanted));
          expect(written && noteOf(written), `broker ${id}`).toBe(noteOf(wanted));
        }
      }),
      { numRuns: 150 },
    );
  });

  test("stops one broker at a time, and none while another one waits to be started", () => {
    check(({ step, before }) => {
      const serving = ({ broker: id }: { broker: number }) =>
        before.some((each) => each.id === id && each.serves);
      switch (step.do) {
        case "start":
          expect(step.changes.filter(serving)).toEqual([]);
          return;
        case "change-live":
          expect(step.changes.every(serving)).toBe(true);
          return;
        case "restart":
          expect(serving(step.change)).toBe(true);
      }
    });
  });

  test("restarts sick brokers first, and the controller last", () => {
    check(({ step, before, controller }) => {
      if (step.do !== "restart") {
        return;
      }
      const { broker: id } = step.change;
      const isFirstRound = before.some(({ process, wanted }) => beside(process) !== beside(wanted));
      const others = before.filter(
        ({ process, wanted, ...each }) =>
          each.id !== id &&
          each.serves &&
          (isFirstRound
            ? beside(process) !== beside(wanted)
            : process && noteOf(process) !== noteOf(wanted)),
      );
      if (before.some((each) => each.id === id && each.isSick)) {
        return;
      }
      expect(others.filter(({ isSick }) => isSick)).toEqual([]);
      if (id === controller) {
        expect(others).toEqual([]);
      }
    });
  });

  test("raises the protocol only once every broker runs the new release", () => {
    check(({ step, before }) => {
      const changes = step.do === "restart" ? [step.change] : step.changes;
      for (const { broker: id, files: given } of changes) {
        const model = before.find((each) => each.id === id);
        const spoken = before.flatMap(({ protocol }) => (protocol === undefined ? [] : [protocol]));
        const present = model?.protocol ?? (spoken.includes("3.8") ? "3.8" : spoken[0]);
        if (present !== undefined && protocolOf(given.config) !== present) {
          for (const { process, wanted, serves } of before) {
            expect([serves, process?.release]).toEqual([true, wanted.release]);
          }
        }
      }
    });
  });

  test("restarts no broker that lacks live changes only, unless one has refused them", () => {
    check(({ step, before, refused }) => {
      const model = before.find((each) => step.do === "restart" && each.id === step.change.broker);
      if (model?.process === undefined || model.files === undefined || refused.has(model.id)) {
        return;
      }
      const hasOwnFiles = noteOf(model.process) === noteOf(model.files);
      const differs = (given: ServiceFiles) => given.config.replace(/^log.retention.ms=.*$/m, "");
      const isLiveOnly =
        noteOf({ ...model.process, config: differs(model.process) }) ===
        noteOf({ ...model.wanted, config: differs(model.wanted) });
      expect(hasOwnFiles && isLiveOnly).toBe(false);
    });
  });

  test("restarts each broker once, and once more where the protocol is raised", () => {
    fc.assert(
      fc.property(scene, ({ brokers, events }) => {
        const { performed } = simulate(brokers, { ...events, kills: new Set() });
        for (const { id, protocol, wanted } of brokers) {
          const count = performed.filter(
            ({ step }) => step.do === "restart" && step.change.broker === id,
          ).length;
          const isRaised = protocol !== protocolOf(wanted.config);
          expect(count, `broker ${id}`).toBeLessThanOrEqual(isRaised ? 2 : 1);
        }
      }),
      { numRuns: 150 },
    );
  });
});
