/*
 * The wish: the JSON text that the program sends to the operator on stdin. It contains secrets.
 */
import { z } from "zod";

const connection = z.object({
  /** Address; empty while the instance is stopped. */
  host: z.string(),
  port: z.int().default(22),
  user: z.string(),
  /** OpenSSH private key. */
  privateKey: z.string(),
  /** The only host key that the operator accepts, as an authorized_keys line. */
  hostKey: z.string(),
});

const target = z.object({
  /** Short host name, for messages. */
  name: z.string(),
  connection: connection.extend({ proxy: connection.optional() }),
});

/** How the operator reaches a host: directly, or through a bastion. */
export type HostTarget = z.infer<typeof target>;
/** One SSH connection on the way to a host. */
export type Connection = z.infer<typeof connection>;

const service = z.object({
  /** systemd unit without `.service`. */
  name: z.string(),
  /** The user that the service runs as. */
  user: z.string(),
  /** Symbolic link to the current release: `/usr/local/kafka`. */
  link: z.string(),
  /** Directory of the wanted release, next to the link: `kafka_2.13-3.9.1`. */
  release: z.string(),
  /** The data directory. */
  data: z.string(),
  /** Relative to the release. */
  configFile: z.string(),
  /** Relative to the release. */
  loggingFile: z.string(),
  logging: z.string(),
  unit: z.string(),
  /** Size of each data volume in GiB. */
  volumeGiB: z.int(),
});

/** The settings that all nodes of a service share. */
export type ServiceWish = z.infer<typeof service>;

const broker = z.object({
  id: z.int(),
  host: target,
  /** `host:port` that clients use. */
  server: z.string(),
  rack: z.string(),
  /** `server.properties` */
  config: z.string(),
});

const brokers = z.array(broker.omit({ config: true })).min(1);

/** A broker as the cluster and its clients see it. */
export type BrokerTarget = z.infer<typeof brokers>[number];

const kafka = z.object({
  kind: z.literal("kafka"),
  service,
  brokers: z.array(broker).min(1),
  /** `host:port` of each ZooKeeper node. */
  zookeeper: z.array(z.string()),
  /** Keys that a broker can change while it runs. */
  liveKeys: z.array(z.string()),
  /** Whether the user set any key. If so, Kafka validates the values before any change. */
  hasUserKeys: z.boolean(),
  /** Replication factor of Kafka's internal topics and of the smoke test's topic. */
  replicationFactor: z.int(),
  /** The topic of the smoke test. */
  smokeTopic: z.string(),
  /** Replication limit in MiB/s, into and out of each broker, while partitions move. */
  moveThrottleMiBps: z.number(),
});

const zookeeper = z.object({
  kind: z.literal("zookeeper"),
  service,
  nodes: z
    .array(
      z.object({
        /** `myid` */
        id: z.int(),
        host: target,
        /** `zoo.cfg` */
        config: z.string(),
      }),
    )
    .min(1),
});

const topics = z.object({
  kind: z.literal("topics"),
  brokers,
  topics: z.array(
    z.object({
      name: z.string(),
      partitions: z.int(),
      replicationFactor: z.int(),
      config: z.record(z.string(), z.string()),
      deleted: z.boolean(),
    }),
  ),
  /** The topic of the smoke test. It is not reported as an unlisted topic. */
  smokeTopic: z.string(),
  /** `min.insync.replicas` of the brokers; omitted if the user set it. */
  minInSyncReplicas: z.int().optional(),
});

const smokeTest = z.object({
  kind: z.literal("smoke-test"),
  brokers,
  topic: z.string(),
  replicationFactor: z.int(),
});

/** Reads the text that the program sends. */
export const wish = z.discriminatedUnion("kind", [kafka, zookeeper, topics, smokeTest]);

export type Wish = z.infer<typeof wish>;
export type KafkaWish = z.infer<typeof kafka>;
export type BrokerWish = KafkaWish["brokers"][number];
export type ZooKeeperWish = z.infer<typeof zookeeper>;
export type ZooKeeperNodeWish = ZooKeeperWish["nodes"][number];
export type TopicsWish = z.infer<typeof topics>;
export type TopicWish = TopicsWish["topics"][number];
export type SmokeTestWish = z.infer<typeof smokeTest>;
