/*
 * Describes the steps that the operator would take on a Kafka cluster.
 */
import { changedKeys } from "../service/properties";
import { itemAt } from "../../shared/item-at";
import { noteOf, type ServiceFiles } from "../service/files";
import type { Assignment } from "./placement";
import { type BrokerLook, nextRollStep, type RollRules, type RollStep } from "./roll";

/**
 * Returns the steps of a roll, one line each. It assumes that every step succeeds.
 *
 * @param brokers The current state of the brokers.
 */
export function describeRoll(
  brokers: readonly BrokerLook[],
  rules: Pick<RollRules, "liveKeys" | "controller">,
): string[] {
  const lines: string[] = [];
  let present = brokers.map((broker) => ({ ...broker }));
  const next = () => nextRollStep(present, { ...rules, refused: new Set(), started: new Set() });
  for (let step = next(); step !== undefined; step = next()) {
    lines.push(describeStep(step, present));
    present = present.map((broker) => after(step, broker));
  }
  return lines;
}

/**
 * Returns the steps of several rolls, one after the other.
 *
 * @param stages The wanted files of each broker in each roll, in the order of the brokers.
 */
export function describeRolls(
  brokers: readonly BrokerLook[],
  stages: readonly (readonly ServiceFiles[])[],
  rules: Pick<RollRules, "liveKeys" | "controller">,
): string[] {
  let present = brokers;
  return stages.flatMap((files) => {
    const before = present.map((broker, index) => ({ ...broker, wanted: itemAt(files, index) }));
    present = before.map((broker) => ({
      ...broker,
      ...{ serves: true, isSick: false, files: broker.wanted, running: noteOf(broker.wanted) },
    }));
    return describeRoll(before, rules);
  });
}

/** Returns a line with the number of moving partitions; no line if none moves. */
export function describeMoves(moves: readonly Assignment[]): string[] {
  return moves.length === 0 ? [] : [`move ${moves.length} partitions`];
}

function describeStep(step: NonNullable<RollStep>, brokers: readonly BrokerLook[]): string {
  switch (step.do) {
    case "start":
      return `start broker ${step.changes.map(({ broker }) => broker).join(", ")}`;
    case "change-live": {
      const keys = new Set(step.changes.flatMap((change) => change.keys));
      const ids = step.changes.map(({ broker }) => broker).join(", ");
      return `change ${[...keys].sort().join(", ")} of broker ${ids} while they run`;
    }
    case "restart": {
      const { broker, files } = step.change;
      const former = brokers.find(({ id }) => id === broker)?.files;
      const keys = former === undefined ? [] : changedKeys(former.config, files.config);
      const reasons = [
        ...(former?.release === files.release ? [] : [`the release ${files.release}`]),
        ...keys,
      ];
      return `restart broker ${broker}${reasons.length > 0 ? ` for ${reasons.join(", ")}` : ""}`;
    }
  }
}

/** Returns a broker's state after a successful step. */
function after(step: RollStep, broker: BrokerLook): BrokerLook {
  const changes = step.do === "restart" ? [step.change] : step.changes;
  const change = changes.find((each) => each.broker === broker.id);
  if (change === undefined) {
    return broker;
  }
  const protocol = /^inter\.broker\.protocol\.version=(.*)$/m.exec(change.files.config)?.[1];
  return {
    ...broker,
    serves: true,
    isSick: false,
    files: change.files,
    running: noteOf(change.files),
    protocol: protocol ?? broker.protocol,
  };
}
