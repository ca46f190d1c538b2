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
  /** Whether the mode of the lab changes. */
  isChanging: boolean;
  /** The notes of the files that this run has started nodes with, by id. */
  started: ReadonlyMap<number, string>;
}

/**
 * Returns why the nodes must not go to the wanted level; undefined if they may. Only a lab without security
 * has a single level, and nodes that require logins refuse those that do not log in. Brokers that never log
 * in could not follow nodes that begin to require it at once.
 */
export function levelFault(facts: TargetFacts): string | undefined {
  const { ids, states, levels, isChanging } = facts;
  const isOpen = ids.some((id) => presentLevel(states.get(id), levels).level === 0);
  if (levels.length > 1 && !isChanging && isOpen) {
    return (
      'setting "kafkalab:security": it must first be {from: plaintext, to: the new mode}, so that clients, ' +
      "brokers and ZooKeeper's nodes can change over. Nothing was changed. Set it so, run up to its end, " +
      "and then set the new mode."
    );
  }
  const requires = ids.some((id) =>
    /^quorum\.auth\.learnerRequireSasl=true$/m.test(states.get(id)?.files?.config ?? ""),
  );
  return levels.length === 1 && requires
    ? 'setting "kafkalab:security": it must first be {from: the present mode, to: plaintext}, so that ' +
        "ZooKeeper's nodes can change over; got plaintext. Nothing was changed. Set it so, run up to its " +
        "end, and then set plaintext. If a change from plaintext has not ended yet, end it first."
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
