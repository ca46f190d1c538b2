import { partitionName } from "./health";
import type { Partition } from "./metadata";

/** Number of in-sync replicas that a write with `acks=all` needs. It tolerates the loss of one replica. */
export function minInSyncReplicas(replicationFactor: number): number {
  return Math.max(1, replicationFactor - 1);
}

/**
 * Returns the partitions that would reject writes with `acks=all` while a broker is stopped: the broker
 * holds an in-sync replica, and too few other replicas are in sync. The idea comes from
 * KafkaAvailability in Strimzi.
 *
 * A partition whose replicas must all be in sync does not count: it rejects writes whenever one of its
 * brokers restarts, so waiting does not help.
 *
 * @param minInSync `min.insync.replicas` of a topic.
 */
export function unavailableWithout(
  broker: number,
  partitions: readonly Partition[],
  minInSync: (topic: string) => number,
): string[] {
  return partitions
    .filter(({ topic, replicas, inSync }) => {
      const required = minInSync(topic);
      const left = inSync.filter((id) => id !== broker).length;
      return inSync.includes(broker) && replicas.length > required && left < required;
    })
    .map(partitionName);
}
