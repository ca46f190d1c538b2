import { z } from "zod";
import { type HostFacts, readFacts } from "./columns";

/** A partition as a broker reports it. All numbers are broker ids. */
export interface Partition {
  partition: number;
  /** -1 if the partition has no leader. */
  leader: number;
  replicas: number[];
  inSync: number[];
}

/** The cluster's metadata from one broker. */
export interface Metadata {
  controller: number;
  /** `peter-kafka01.foo.bar:9092`, by broker id. */
  brokers: Map<number, string>;
  topics: Map<string, Partition[]>;
}

/** The report of `host.sh` about a host. */
export interface HostReport extends HostFacts {
  /** The role of a ZooKeeper node. */
  role?: string;
  /** Metadata from a broker that answered. */
  metadata?: Metadata;
}

const Id = z.object({ id: z.number() });

/** The output of `kcat -L -J`. */
const KcatMetadata = z.object({
  controllerid: z.number(),
  brokers: z.array(z.object({ id: z.number(), name: z.string() })),
  topics: z.array(
    z.object({
      topic: z.string(),
      partitions: z.array(
        z.object({
          partition: z.number(),
          leader: z.number(),
          replicas: z.array(Id),
          isrs: z.array(Id),
        }),
      ),
    }),
  ),
});

/** Reads the output of `host.sh`; `undefined` if it is incomplete. */
export function readHostReport(text: string): HostReport | undefined {
  const facts = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, name, value = ""] = /^(\w+)(?: (.*))?$/.exec(line) ?? [];
    if (name !== undefined) {
      facts.set(name, value);
    }
  }
  if (!facts.has("end")) {
    return undefined;
  }
  const metadata = readMetadata(facts.get("metadata") ?? "");
  const role = facts.get("role");
  return {
    ...readFacts(facts),
    ...(role !== undefined && { role }),
    ...(metadata !== undefined && { metadata }),
  };
}

function readMetadata(text: string): Metadata | undefined {
  if (text === "") {
    return undefined; // the broker did not answer
  }
  const { controllerid, brokers, topics } = KcatMetadata.parse(JSON.parse(text));
  const ids = (list: { id: number }[]) => list.map(({ id }) => id);
  return {
    controller: controllerid,
    brokers: new Map(brokers.map(({ id, name }) => [id, name])),
    topics: new Map(
      topics.map(({ topic, partitions }) => [
        topic,
        partitions.map(({ partition, leader, replicas, isrs }) => ({
          ...{ partition, leader, replicas: ids(replicas), inSync: ids(isrs) },
        })),
      ]),
    ),
  };
}
