/*
 * Decides the security level that each node runs with next. Pure functions: the caller reads the state of
 * all nodes, asks for their levels, changes nodes, and reads the state again.
 */
import { changedKeys, readProperties } from "../service/properties";

/** The state of a node that its next level depends on. */
export interface LevelNode {
  /** `myid` */
  id: number;
  /** The level of the running process; undefined if no process runs. */
  level: number | undefined;
  /**
   * Whether the level is certain. It is not if a killed run wrote files that the process was not started
   * with: the level is then that of the files.
   */
  isCertain: boolean;
}

/**
 * Returns the level of a configuration: the one that it agrees with in most of the keys whose values differ
 * between the levels. Other keys do not count, so a change of another setting does not change the level.
 *
 * @param levels The configuration of each level.
 */
export function levelOf(config: string, levels: readonly string[]): number {
  const keys = new Set(
    levels.slice(1).flatMap((level, index) => changedKeys(level, levels[index] ?? "")),
  );
  const present = readProperties(config);
  const scores = levels.map((level) => {
    const wanted = readProperties(level);
    return [...keys].filter((key) => wanted.get(key) === present.get(key)).length;
  });
  return scores.indexOf(Math.max(...scores));
}

/**
 * Returns the level that each node runs with next, by id. The levels of running nodes never differ by more
 * than one, because then some of them could not talk to each other.
 *
 * - Nodes change to the next level only after all of them have reached the present one.
 * - A node whose level is uncertain first restarts with its files.
 * - A node without a process starts with the level that the others reach next.
 * - If no node has a process, all of them start with the wanted level.
 *
 * @param wanted The wanted level.
 */
export function nextLevels(nodes: readonly LevelNode[], wanted: number): Map<number, number> {
  const known = nodes.flatMap(({ level }) => level ?? []);
  const isCertain = nodes.every((node) => node.isCertain);
  const next = known.length === 0 ? wanted : nextLevel(known, wanted, isCertain);
  const isDescent = known.some((level) => level > wanted);
  return new Map(
    nodes.map(({ id, level = next }) => {
      const isBehind = isCertain && (isDescent ? level > next : level < next);
      return [id, isBehind ? next : level];
    }),
  );
}

/** Returns the level that the next nodes change to. Returns the lowest one if no node may change its level. */
function nextLevel(known: readonly number[], wanted: number, mayChange: boolean): number {
  const [lowest, highest] = [Math.min(...known), Math.max(...known)];
  if (!mayChange) {
    return lowest;
  }
  return highest > wanted ? highest - 1 : Math.min(lowest + 1, wanted);
}
