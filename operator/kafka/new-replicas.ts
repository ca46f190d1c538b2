import type { BrokerTarget } from "../wish";
import type { Metadata } from "./metadata";
import { planMoves } from "./placement";

/** The wanted size of a topic. The topic may already have some of the partitions. */
export interface WantedPartitions {
  name: string;
  partitions: number;
  replicationFactor: number;
}

/**
 * Chooses brokers for the replicas of new partitions while brokers leave the cluster. Kafka itself would
 * also choose leaving brokers.
 *
 * @param brokers The brokers that stay.
 * @returns The value of `--replica-assignment` by topic name; undefined if no broker leaves, because
 *   Kafka can choose then.
 */
export function placeNewReplicas(
  topics: readonly WantedPartitions[],
  metadata: Metadata,
  brokers: readonly Pick<BrokerTarget, "id" | "rack">[],
): ReadonlyMap<string, string> | undefined {
  const stays = new Set(brokers.map(({ id }) => id));
  if (metadata.brokers.every((id) => stays.has(id))) {
    return undefined;
  }
  const present = metadata.partitions.map(({ topic, partition, replicas }) => ({
    topic,
    partition,
    replicas,
  }));
  const added = topics.flatMap(({ name, partitions, replicationFactor }) => {
    const count = present.filter(({ topic }) => topic === name).length;
    const nobody = Array.from({ length: replicationFactor }, (_, place) => -1 - place);
    return Array.from({ length: Math.max(0, partitions - count) }, (_, index) => ({
      topic: name,
      partition: count + index,
      replicas: nobody,
    }));
  });
  const moves = planMoves([...present, ...added], brokers);
  return new Map(topics.map(({ name }) => [name, assignmentOf(name)]));

  // Kafka ignores the replicas of existing partitions, so their current replicas are written here.
  function assignmentOf(name: string): string {
    const placed = added.map(
      (one) =>
        moves.find(({ topic, partition }) => topic === one.topic && partition === one.partition) ??
        one,
    );
    return [...present, ...placed]
      .filter(({ topic }) => topic === name)
      .map(({ replicas }) => replicas.join(":"))
      .join(",");
  }
}
