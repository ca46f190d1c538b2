import { z } from "zod";

/** A partition as a broker reports it. */
export interface Partition {
  topic: string;
  partition: number;
  /** Broker id of the leader; -1 if there is none. */
  leader: number;
  /** Broker ids; the first one is the preferred leader. */
  replicas: readonly number[];
  /** Broker ids of the replicas that are in sync. */
  inSync: readonly number[];
}

/** The cluster's metadata as one broker reports it. */
export interface Metadata {
  /** Ids of the brokers that are registered. */
  brokers: readonly number[];
  /** Broker id of the controller; undefined while there is none. */
  controller: number | undefined;
  /** Sorted by topic and partition. */
  partitions: readonly Partition[];
}

const ids = z.array(z.object({ id: z.int() })).transform((list) => list.map(({ id }) => id));

const kcatMetadata = z.object({
  controllerid: z.int(),
  brokers: ids,
  topics: z.array(
    z.object({
      topic: z.string(),
      partitions: z.array(
        z.object({ partition: z.int(), leader: z.int(), replicas: ids, isrs: ids }),
      ),
    }),
  ),
});

/**
 * Reads what `kcat -L -J` prints. Source of the format: `metadata_print_json` in kcat's `json.c`.
 *
 * @throws Error if the text is not in that format.
 */
export function readMetadata(text: string): Metadata {
  const { controllerid, brokers, topics } = kcatMetadata.parse(JSON.parse(text));
  const partitions = topics.flatMap(({ topic, partitions }) =>
    partitions.map(({ partition, leader, replicas, isrs }) => ({
      topic,
      partition,
      leader,
      replicas,
      inSync: isrs,
    })),
  );
  return {
    brokers: [...brokers].sort((one, other) => one - other),
    controller: controllerid < 0 ? undefined : controllerid,
    partitions: partitions.sort(
      (one, other) => compareText(one.topic, other.topic) || one.partition - other.partition,
    ),
  };
}

const compareText = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0);
