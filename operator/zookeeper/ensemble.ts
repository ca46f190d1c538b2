/*
 * The state of an ensemble at one moment. Pure functions: client.ts queries the servers.
 */
import type { Member, Quorum, Role } from "./answers";

/** A server that is a member or should become one. */
export interface Server extends Member {
  /** Undefined while the server is not serving. */
  role: Role | undefined;
}

/** The state of an ensemble at one moment. */
export interface EnsembleLook {
  /** The nodes that should be members, by id. */
  nodes: readonly Server[];
  /** The members; undefined while no node serves. */
  members: readonly Member[] | undefined;
  /** The members that should leave, by id. */
  leaving: readonly Server[];
  /** The voting members as the leader counts them; undefined if there is no leader. */
  quorum: Quorum | undefined;
}

/** The leader. A standalone server counts as the leader. */
export function leaderOf({ nodes, leaving }: Pick<EnsembleLook, "nodes" | "leaving">) {
  return [...nodes, ...leaving].find(({ role }) => role === "leader" || role === "standalone");
}

/** Whether the node serves. */
export function serves({ nodes }: Pick<EnsembleLook, "nodes">, id: number): boolean {
  return nodes.some((node) => node.id === id && node.role !== undefined);
}

/** Whether there is a leader and every node that should be a member serves. */
export function allServe(look: EnsembleLook): boolean {
  return leaderOf(look) !== undefined && look.nodes.every(({ role }) => role !== undefined);
}

/** Whether all voting followers are in sync. */
export function followersSynced(look: EnsembleLook): boolean {
  if (leaderOf(look)?.role === "standalone") {
    return true;
  }
  const { quorum } = look;
  return quorum !== undefined && quorum.syncedFollowers + 1 >= quorum.size;
}

/** Whether there is a leader and its followers are in sync. If so, one node may restart. */
export function isWhole(look: EnsembleLook): boolean {
  return leaderOf(look) !== undefined && followersSynced(look);
}

/** `peter-zk01 follower, peter-zk02 leader, peter-zk03 down` */
export function describeEnsemble({ nodes, leaving }: EnsembleLook): string {
  return [...nodes, ...leaving].map(({ host, role }) => `${host} ${role ?? "down"}`).join(", ");
}
