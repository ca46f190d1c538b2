/*
 * Plans and checks moves of partitions. Pure functions: move.ts queries the brokers.
 */
import { z } from "zod";
import { partitionName } from "./health";
import type { Metadata, Partition } from "./metadata";
import { type Assignment, type BrokerPlace, planMoves } from "./placement";
import { KAFKA_HOME } from "../../shared/homes";

const reassignment = z.object({
  version: z.literal(1),
  partitions: z.array(
    z.object({ topic: z.string(), partition: z.int(), replicas: z.array(z.int()) }),
  ),
});

/** Writes moves as JSON for `kafka-reassign-partitions.sh`. */
export function reassignmentJson(partitions: readonly Assignment[]): string {
  return JSON.stringify({ version: 1, partitions });
}

/**
 * Reads the output of {@link reassignmentJson}.
 *
 * @throws Error if the text has another format.
 */
export function readReassignment(text: string): Assignment[] {
  return reassignment.parse(JSON.parse(text)).partitions;
}

/** Topics that exist in every cluster. Their replication factor comes from the lab's settings. */
export interface OwnTopics {
  names: readonly string[];
  replicationFactor: number;
}

const KAFKAS_OWN = ["__consumer_offsets", "__transaction_state"];

/** Kafka's internal topics and the smoke test's topic, with the replication factor of the settings. */
export function ownTopics(smokeTopic: string, replicationFactor: number): OwnTopics {
  return { names: [...KAFKAS_OWN, smokeTopic], replicationFactor };
}

/**
 * Returns the moves after which only wanted brokers hold replicas, new brokers have a fair share, and
 * Kafka's internal topics have the wanted replication factor. It is lower if the cluster had fewer
 * brokers when it created these topics.
 */
export function movesOf(
  { partitions }: Metadata,
  brokers: readonly BrokerPlace[],
  { names, replicationFactor }: OwnTopics,
): Assignment[] {
  const factor = Math.min(replicationFactor, brokers.length);
  return planMoves(
    partitions.map(({ topic, partition, replicas }) => {
      const lacking = names.includes(topic) ? Math.max(0, factor - replicas.length) : 0;
      const added = Array.from({ length: lacking }, (_, index) => -1 - index);
      return { topic, partition, replicas: [...replicas, ...added] };
    }),
    brokers,
  );
}

/** Returns the moves whose partitions still exist. A client may delete a topic while it moves. */
export function stillThere(moves: readonly Assignment[], { partitions }: Metadata): Assignment[] {
  const names = new Set(partitions.map(partitionName));
  return moves.filter((move) => names.has(partitionName(move)));
}

/**
 * Returns the moves under way. A moving partition has all of its new replicas, and either former replicas
 * as well or new replicas that are not in sync yet. A partition that lacks a new replica is not moving:
 * somebody cancelled the move, or the operator stopped before the move began. The next plan moves it.
 */
export function unfinished(moves: readonly Assignment[], { partitions }: Metadata): Assignment[] {
  const found = new Map(partitions.map((partition) => [partitionName(partition), partition]));
  return moves.filter((move) => {
    const partition = found.get(partitionName(move));
    return partition !== undefined && isMoving(move, partition);
  });
}

function isMoving({ replicas }: Assignment, found: Partition): boolean {
  return (
    replicas.every((id) => found.replicas.includes(id)) &&
    (found.replicas.length > replicas.length || replicas.some((id) => !found.inSync.includes(id)))
  );
}

/** Returns the brokers that hold replicas but are not registered. */
export function deadHolders({ brokers, partitions }: Metadata): number[] {
  const holders = new Set(partitions.flatMap(({ replicas }) => replicas));
  return [...holders].filter((id) => !brokers.includes(id)).sort((one, other) => one - other);
}

/** Returns an error if a partition has more replicas than there are brokers; undefined otherwise. */
export function sizeFault({ partitions }: Metadata, brokers: number): string | undefined {
  const most = new Map<string, number>();
  for (const { topic, replicas } of partitions) {
    most.set(topic, Math.max(most.get(topic) ?? 0, replicas.length));
  }
  const large = [...most].filter(([, count]) => count > brokers).sort();
  if (large.length === 0) {
    return undefined;
  }
  const needed = Math.max(...large.map(([, count]) => count));
  const topics = large.map(([topic, count]) => `${topic} (${count})`).join(", ");
  return (
    `setting "kafkalab:brokers": it must be ${needed} or more, as many as these topics have replicas: ` +
    `${topics}; got ${brokers}. Nothing was moved and no broker restarted. Set it to ${needed}; or delete ` +
    `these topics, or give them fewer replicas with ${KAFKA_HOME}/bin/kafka-reassign-partitions.sh on a ` +
    "broker, and run up again."
  );
}

/** A partition that Kafka is reassigning. */
export interface Reassignment {
  topic: string;
  partition: number;
  /** Former and new replicas. */
  replicas: number[];
  /** New replicas that are not in sync yet. */
  adding: number[];
}

/**
 * Reads the moving partitions from the output of `kafka-reassign-partitions.sh --list`:
 * `topic-0: replicas: 1,2,3. adding: 3. removing: 1.` Source: `ReassignPartitionsCommand`.
 */
export function readReassignments(text: string): Reassignment[] {
  const lines = text.matchAll(/^(\S+)-(\d+): replicas: ([\d,]+)\.(?: adding: ([\d,]+)\.)?/gm);
  return [...lines].map(([, topic = "", partition, replicas, adding]) => ({
    topic,
    partition: Number(partition),
    replicas: idsIn(replicas),
    adding: idsIn(adding),
  }));
}

function idsIn(list = ""): number[] {
  return list.split(",").filter(Boolean).map(Number);
}
