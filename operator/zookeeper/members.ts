/*
 * The members of an ensemble: the next change, and the format in which ZooKeeper writes members.
 */
import type { Member } from "./answers";
import { allServe, type EnsembleLook, followersSynced, leaderOf } from "./ensemble";

/** One step of a dynamic reconfiguration. */
export type MemberChange = { add: Member } | { remove: Member };

/** A line of the list of members: `server.1=peter-zk01:2888:3888:participant;2181`. */
export function memberLine({ id, host }: Member): string {
  return `server.${id}=${host}:2888:3888:participant;2181`;
}

/** The list of members for a node without data: the current members and the node itself. */
export function joinerList(members: readonly Member[], joiner: Member): string {
  return [...members.filter(({ id }) => id !== joiner.id), joiner]
    .sort((one, other) => one.id - other.id)
    .map(memberLine)
    .join("\n");
}

/** The options of ZooKeeper's `reconfig` command for a change. */
export function reconfigOption(change: MemberChange): string {
  return "add" in change ? `-add ${memberLine(change.add)}` : `-remove ${change.remove.id}`;
}

/**
 * Returns the next change towards the wanted members. Returns `none` if the members are as wanted, and
 * undefined while the ensemble must recover first.
 *
 * - The operator makes one change at a time, and only while every wanted node serves.
 * - First it adds members, the lowest id first, and only while all followers are in sync.
 * - Then it removes members, the highest id first. A removal does not wait for followers to be in sync,
 *   because a member that should leave may already be down. Members that are down go first: until
 *   then the members that serve are needed for a majority.
 * - It removes the leader last, so that the ensemble elects only one new leader, and elects a member
 *   that stays.
 */
export function nextMemberChange(look: EnsembleLook): MemberChange | "none" | undefined {
  const { nodes, members, leaving } = look;
  if (members === undefined || !allServe(look)) {
    return undefined;
  }
  const missing = nodes.find(({ id }) => !members.some((member) => member.id === id));
  if (missing !== undefined) {
    return followersSynced(look) ? { add: { id: missing.id, host: missing.host } } : undefined;
  }
  const leader = leaderOf(look);
  const [remove] = [...leaving].sort(
    (one, other) =>
      Number(one.id === leader?.id) - Number(other.id === leader?.id) ||
      Number(one.role !== undefined) - Number(other.role !== undefined) ||
      other.id - one.id,
  );
  return remove === undefined ? "none" : { remove: { id: remove.id, host: remove.host } };
}

/**
 * Returns a member to remove before any node restarts: one that should leave and does not serve. The
 * ensemble cannot be whole while it is a member. Returns undefined if there is no such member, or if
 * the ensemble must recover first.
 */
export function deadMemberToRemove(look: EnsembleLook): MemberChange | undefined {
  const { members, leaving } = look;
  const dead = leaving.find(({ role }) => role === undefined);
  if (members === undefined || dead === undefined || !allServe(look)) {
    return undefined;
  }
  return { remove: { id: dead.id, host: dead.host } };
}
