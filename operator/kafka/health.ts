import type { Metadata, Partition } from "./metadata";

/** The reasons why a cluster is not whole. */
export interface Health {
  /** Ids of the brokers that are registered. */
  brokers: readonly number[];
  /** Ids of brokers that must be registered but are not. */
  missing: number[];
  /** Partitions without a leader. */
  leaderless: string[];
  /** Partitions with a leader, and with a replica that is not in sync. */
  underReplicated: string[];
}

/** The replicas that do not have to be in sync. */
export interface Excuses {
  /** Whether to ignore replicas on brokers that are neither registered nor wanted. */
  leaving?: boolean;
  /** Ids of brokers whose replicas the check ignores. */
  sick?: readonly number[];
  /** Partitions that do not count, because they move. */
  moving?: ReadonlySet<string>;
}

/**
 * Returns the reasons why a cluster is not whole.
 *
 * @param wanted Ids of the brokers that must be registered.
 */
export function healthOf(
  { brokers, partitions }: Metadata,
  wanted: readonly number[],
  { leaving = false, sick = [], moving = new Set() }: Excuses = {},
): Health {
  const there = new Set([...brokers, ...wanted]);
  const counts = (id: number) => !sick.includes(id) && (!leaving || there.has(id));
  const judged = partitions
    .filter((partition) => !moving.has(partitionName(partition)))
    .filter(({ replicas }) => !replicas.every((id) => sick.includes(id)));
  return {
    brokers,
    missing: wanted.filter((id) => !brokers.includes(id) && !sick.includes(id)),
    leaderless: judged.filter((partition) => !hasLeader(partition)).map(partitionName),
    underReplicated: judged
      .filter((partition) => hasLeader(partition) && lacks(partition, counts))
      .map(partitionName),
  };
}

/** Whether the cluster is whole. */
export function isWhole({ brokers, missing, leaderless, underReplicated }: Health): boolean {
  const faults = [missing, leaderless, underReplicated];
  return brokers.length > 0 && faults.every(({ length }) => length === 0);
}

/**
 * `brokers 1,2,3; missing 4; without a leader topic-0; under-replicated topic-1`, with the prefix
 * `whole: ` if it is whole.
 */
export function describeHealth(health: Health): string {
  const { brokers, missing, leaderless, underReplicated } = health;
  const parts = [
    `brokers ${brokers.length === 0 ? "none" : brokers.join(",")}`,
    ...(missing.length > 0 ? [`missing ${missing.join(",")}`] : []),
    ...(leaderless.length > 0 ? [`without a leader ${leaderless.join(",")}`] : []),
    ...(underReplicated.length > 0 ? [`under-replicated ${underReplicated.join(",")}`] : []),
  ];
  return `${isWhole(health) ? "whole: " : ""}${parts.join("; ")}`;
}

/** Returns the metadata without the given partitions, for example without moving partitions. */
export function without(known: Metadata, partitions: ReadonlySet<string>): Metadata {
  return {
    ...known,
    partitions: known.partitions.filter((each) => !partitions.has(partitionName(each))),
  };
}

/**
 * Whether a broker is not registered, or has a replica that is not in sync. A sick broker may be the
 * reason why the cluster is not whole, so the operator changes it without waiting for a whole cluster.
 */
export function isSick({ brokers, partitions }: Metadata, broker: number): boolean {
  return (
    !brokers.includes(broker) ||
    partitions.some(({ replicas, inSync }) => replicas.includes(broker) && !inSync.includes(broker))
  );
}

/**
 * Whether a broker serves. A busy broker, or a broker whose name DNS cannot resolve, may not answer in
 * time. The operator must not treat it as stopped. So an active broker also serves if its port is open
 * or if the metadata lists it.
 *
 * @param known The cluster's metadata; undefined if no broker answered.
 */
export function serves(
  broker: number,
  { answers, isActive, isOpen }: BrokerSigns,
  known: Metadata | undefined,
): boolean {
  return answers || (isActive && (isOpen || known?.brokers.includes(broker) === true));
}

/** The observed state of a broker. */
export interface BrokerSigns {
  /** Whether it answered in time. */
  answers: boolean;
  /** Whether its systemd unit is active. */
  isActive: boolean;
  /** Whether its port is open. */
  isOpen: boolean;
}

/**
 * Whether a broker is registered and all of its replicas are in sync. If the cluster is not whole then,
 * other brokers are the reason.
 */
export function isOthersFault({ brokers, partitions }: Metadata, broker: number): boolean {
  return (
    brokers.includes(broker) &&
    partitions.every(
      ({ replicas, inSync }) => !replicas.includes(broker) || inSync.includes(broker),
    )
  );
}

/** `topic-0` */
export function partitionName({
  topic,
  partition,
}: Pick<Partition, "topic" | "partition">): string {
  return `${topic}-${partition}`;
}

function hasLeader({ leader }: Partition): boolean {
  return leader >= 0;
}

function lacks({ replicas, inSync }: Partition, counts: (id: number) => boolean): boolean {
  return replicas.some((id) => counts(id) && !inSync.includes(id));
}
