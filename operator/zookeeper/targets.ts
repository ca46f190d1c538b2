/*
 * What each node of an ensemble should run with next. Pure functions.
 */
import { itemAt } from "../../shared/item-at";
import { noteOf, type ServiceFiles } from "../service/files";
import type { NodeState } from "../service/node";
import { type EnsembleLook, serves } from "./ensemble";
import { type LevelNode, levelOf, nextLevels } from "./levels";
import { describeRoll, type RollNode } from "./roll";

/** What a node should run with next. */
export interface Target extends RollNode {
  /** The security level of the running process; undefined if no process runs. */
  present: number | undefined;
  /** The security level of the files. */
  level: number;
  files: ServiceFiles;
}

/** The facts that the targets depend on. */
export interface TargetFacts {
  /** Ids of all wanted nodes. */
  ids: readonly number[];
  look: EnsembleLook;
  states: ReadonlyMap<number, NodeState>;
  /** The files of a node at each security level. */
  levels: readonly ServiceFiles[];
  wantedLevel: number;
  /** The notes of the files that this run has started nodes with, by id. */
  started: ReadonlyMap<number, string>;
}

/**
 * Returns why no level leads from the present one of a node to the wanted one; undefined if one does. Only a
 * lab without security has a single level, and nodes that require logins refuse those that do not log in.
 */
export function levelFault({ ids, states, levels }: TargetFacts): string | undefined {
  const requires = ids.some((id) =>
    /^quorum\.auth\.learnerRequireSasl=true$/m.test(states.get(id)?.files?.config ?? ""),
  );
  return levels.length === 1 && requires
    ? 'setting "kafkalab:security": it must first be {from: the present mode, to: plaintext}, so that ' +
        "ZooKeeper's nodes can change over; got plaintext. Nothing was changed. Set it so, run up to its " +
        "end, and then set plaintext."
    : undefined;
}

/** Decides what each node should run with next. */
export function targetsOf(facts: TargetFacts): Target[] {
  const { ids, look, states, levels, wantedLevel, started } = facts;
  const nodes = ids.map((id) => ({ id, ...presentLevel(states.get(id), levels) }));
  const next = nextLevels(nodes, wantedLevel);
  return nodes.map(({ id, level: present }) => {
    const state = states.get(id);
    const level = next.get(id) ?? wantedLevel;
    const files = itemAt(levels, level);
    const note = noteOf(files);
    return {
      ...{ id, present, level, files },
      isCurrent: started.get(id) === note || state?.running === note,
      serves: state?.running !== undefined && serves(look, id),
      isActive: state?.active === true,
    };
  });
}

/** Returns the security level of a node's process. */
function presentLevel(
  state: NodeState | undefined,
  levels: readonly ServiceFiles[],
): Omit<LevelNode, "id"> {
  const { running, files } = state ?? {};
  if (running === undefined || files === undefined) {
    return { level: undefined, isCertain: true };
  }
  const started = levels.findIndex((level) => noteOf(level) === running);
  if (started >= 0) {
    return { level: started, isCertain: true };
  }
  const configs = levels.map(({ config }) => config);
  return { level: levelOf(files.config, configs), isCertain: noteOf(files) === running };
}

/**
 * Returns the steps to the wanted level, one line each, assuming that every step succeeds.
 *
 * @param leader Id of the leader.
 */
export function describeTargets(
  first: readonly Target[],
  leader: number | undefined,
  wantedLevel: number,
): string[] {
  const lines: string[] = [];
  let targets = first;
  for (;;) {
    const change = targets.find(({ present, level }) => present !== undefined && present !== level);
    const suffix = change === undefined ? "" : ` for security level ${change.level}`;
    lines.push(...describeRoll(targets, leader).map((line) => line + suffix));
    if (targets.every(({ level }) => level === wantedLevel)) {
      return lines;
    }
    const reached = targets.map(({ id, level }) => ({ id, level, isCertain: true }));
    const next = nextLevels(reached, wantedLevel);
    targets = targets.map((target) => {
      const level = next.get(target.id) ?? wantedLevel;
      const isCurrent = level === target.level;
      return { ...target, present: target.level, level, isCurrent, serves: true };
    });
  }
}
