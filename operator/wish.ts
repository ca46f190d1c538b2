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
  /** Size of each data volume in GiB. */
  volumeGiB: z.int(),
});

/** The settings that all nodes of a service share. */
export type ServiceWish = z.infer<typeof service>;

/** Files that hold secrets: text by path. See `ServiceFiles` in `service/files.ts`. @default none */
const secrets = z.record(z.string(), z.string()).optional();

/** The files of a service in one stage of a change. */
const files = z.object({
  /** `server.properties` or `zoo.cfg` */
  config: z.string(),
  unit: z.string(),
  secrets,
});

const broker = z.object({
  id: z.int(),
  host: target,
  /** `host:port` that the lab's own tools use. */
  server: z.string(),
  rack: z.string(),
  /** The broker's files in each stage of a change; the last one is the wanted state. */
  stages: z.array(files).min(1),
});

const brokers = z.array(broker.omit({ stages: true })).min(1);

/** A broker as the cluster and its clients see it. */
export type BrokerTarget = z.infer<typeof brokers>[number];

/** A resource of Kafka whose ACLs the lab sets, in the words of the settings. */
const resource = z.enum(["topic", "group", "cluster", "transactional-id"]);

/** What an ACL allows or denies, in the words of the settings. */
const operation = z.enum([
  ...(["read", "write", "create", "delete", "alter", "describe", "cluster-action"] as const),
  ...(["describe-configs", "alter-configs", "idempotent-write", "all"] as const),
]);

const acl = z.object({
  /** Name of a user; `*` for all users. */
  user: z.string(),
  resource,
  /** Whether the name is the full name of a resource or the beginning of names. */
  pattern: z.enum(["literal", "prefixed"]),
  /** `*` for all names; `kafka-cluster` for the cluster. */
  name: z.string(),
  operations: z.array(operation).min(1),
  /** IPv4 addresses; `*` for all addresses. */
  hosts: z.array(z.string()).min(1),
  permission: z.enum(["allow", "deny"]),
});

const quota = z.object({
  /** Name of a user; `<default>` for all users without a quota of their own. */
  user: z.string().optional(),
  /** A client id; `<default>` for all client ids without a quota of their own. */
  client: z.string().optional(),
  /** Bytes per second, for each broker. */
  produce: z.number().positive().optional(),
  /** Bytes per second, for each broker. */
  fetch: z.number().positive().optional(),
  /** Percent of the time of one thread, for each broker. */
  request: z.number().positive().optional(),
});

const access = z
  .object({
    users: z.array(
      z.object({
        name: z.string(),
        /** Omitted if the user logs in with a certificate only. */
        password: z
          .string()
          .regex(/^[\x20-\x7e]+$/)
          .optional(),
      }),
    ),
    acls: z.array(acl),
    quotas: z.array(quota),
    /** `host:port` of the brokers' SASL_SSL listeners inside the VPC. */
    saslServers: z.array(z.string()).optional(),
  })
  .refine(
    ({ users, saslServers = [] }) =>
      users.every(({ password }) => password === undefined) || saslServers.length > 0,
    "a wish with passwords must have saslServers, where users log in",
  );

/** Users, ACLs and quotas of a cluster. */
export type AccessWish = z.infer<typeof access>;
export type AclWish = z.infer<typeof acl>;
export type QuotaWish = z.infer<typeof quota>;
export type AclResource = z.infer<typeof resource>;
export type AclOperation = z.infer<typeof operation>;

const kafka = z.object({
  kind: z.literal("kafka"),
  service,
  brokers: z.array(broker).min(1),
  /** What happens once every broker has reached a stage; as many as each broker has. */
  stages: z.array(
    z.object({
      /** What becomes of the ACLs of Kafka's znodes. */
      znodeAcls: z.enum(["secure", "unsecure"]).optional(),
    }),
  ),
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
  /** Users, ACLs and quotas. @default none */
  access: access.optional(),
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
      }),
    )
    .min(1),
  /**
   * The files of every node at each security level. A running ensemble can only change to the next or the
   * former level, because nodes of two neighbouring levels work together and others do not.
   */
  levels: z.array(files).min(1),
  /** The wanted level: an index of `levels`. */
  level: z.int(),
  /** Whether the mode of the lab changes; omitted if there is a single level. */
  isChanging: z.boolean().optional(),
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
export type ZooKeeperLevelWish = ZooKeeperWish["levels"][number];
export type TopicsWish = z.infer<typeof topics>;
export type TopicWish = TopicsWish["topics"][number];
export type SmokeTestWish = z.infer<typeof smokeTest>;
