import { z } from "zod";

/** A partition as its broker sees it; numbers are broker ids. */
export interface Partition {
  partition: number;
  /** -1 if there is none. */
  leader: number;
  replicas: number[];
  inSync: number[];
}

/** What a broker knows of the cluster. */
export interface Metadata {
  controller: number;
  /** `peter-kafka01.foo.bar:9092`, by broker id. */
  brokers: Map<number, string>;
  topics: Map<string, Partition[]>;
}

/** What `host.sh` has told of a host. */
export interface HostReport {
  upSeconds: number;
  service: string;
  state: string;
  /** How full the disk of `/data` is: `1%`; empty on a host without one. */
  disk: string;
  /** Of a ZooKeeper. */
  role?: string;
  /** Of a broker that answered. */
  metadata?: Metadata;
}

const Id = z.object({ id: z.number() });

/** What `kcat -L -J` prints. */
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

/** Reads what `host.sh` printed; `undefined` if it did not come to its end. */
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
    upSeconds: Number(facts.get("up") ?? 0),
    service: facts.get("service") ?? "-",
    state: facts.get("state") ?? "unknown",
    disk: facts.get("disk") ?? "",
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
