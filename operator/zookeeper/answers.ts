/*
 * Answers of a ZooKeeper server to four-letter words. Source: "The Four Letter Words" in ZooKeeper's
 * Administrator's Guide. A server that is not serving answers each word with a plain sentence.
 */
import { z } from "zod";

const roles = z.enum(["leader", "follower", "observer", "standalone"]);

/** The role of a server in its ensemble. */
export type Role = z.infer<typeof roles>;

/**
 * Reads the role from the answer to `srvr`; undefined while the server is not serving.
 *
 * @throws Error if the role is not one of ZooKeeper's.
 */
export function readRole(srvr: string): Role | undefined {
  const mode = /^Mode: (.*)$/m.exec(srvr)?.[1];
  return mode === undefined ? undefined : roles.parse(mode);
}

/** A member of an ensemble. */
export interface Member {
  /** `myid` */
  id: number;
  /** The host name in the list of members. */
  host: string;
}

/**
 * Reads the members of the ensemble from the answer to `conf`; undefined while the server is not
 * serving.
 */
export function readMembers(conf: string): Member[] | undefined {
  const found = [...conf.matchAll(/^server\.(\d+)=([^:\s]+):/gm)];
  const members = found.flatMap(([, id, host]) =>
    id === undefined || host === undefined ? [] : [{ id: Number(id), host }],
  );
  return members.length === 0 ? undefined : members;
}

/** The voting members as the leader counts them. */
export interface Quorum {
  /** Voting followers that are in sync. */
  syncedFollowers: number;
  /** Voting members, including the leader. */
  size: number;
}

const leaderMetrics = z.object({
  zk_synced_followers: z.coerce.number(),
  zk_synced_non_voting_followers: z.coerce.number().default(0),
  zk_quorum_size: z.coerce.number().positive(),
});

/**
 * Reads the quorum from a leader's answer to `mntr`; undefined if the server is not the leader.
 *
 * @throws Error if a value is not a number.
 */
export function readQuorum(mntr: string): Quorum | undefined {
  const values = Object.fromEntries(
    mntr
      .split("\n")
      .filter((line) => line.includes("\t"))
      .map((line) => line.split("\t", 2)),
  ) as Record<string, string>;
  if (values.zk_synced_followers === undefined || values.zk_quorum_size === undefined) {
    return undefined;
  }
  const metrics = leaderMetrics.parse(values);
  return {
    syncedFollowers: metrics.zk_synced_followers - metrics.zk_synced_non_voting_followers,
    size: metrics.zk_quorum_size,
  };
}
