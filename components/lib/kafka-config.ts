import { propertiesFile } from "./properties";
import { MAX_OPEN_FILES, renderUnit } from "./units";
import { CLIENT_PORT } from "./zookeeper-config";

/** The port for clients of Kafka. */
export const BROKER_PORT = 9092;

/** What decides a broker's `server.properties`. */
export interface BrokerConfig {
  id: number;
  /** Full host name that clients and the other brokers use. */
  advertisedName: string;
  /** Zone id, so that replicas are spread over zones. */
  rack: string;
  zookeepers: string[];
  replicationFactor: number;
  /** MiB of its heap. */
  heapMiB: number;
  /** The release that is to run. */
  version: string;
  /** Further lines; they win over those that are written here. */
  further?: Record<string, string>;
}

/** How many in-sync replicas a write with `acks=all` needs: one may be lost. */
export function minInSyncReplicas(replicationFactor: number): number {
  return Math.max(1, replicationFactor - 1);
}

/**
 * Bytes of the log cleaner's buffer, which a broker takes as it starts and never gives back: the share
 * of the heap that Kafka's default, 128 MiB, has of the book's heap of 1 GiB, and never more than that.
 */
function cleanerBuffer(heapMiB: number): number {
  return Math.min(heapMiB / 8, 128) * 2 ** 20;
}

/** `host:port` of each, separated by commas. */
export function endpoints(names: string[], port: number): string {
  return names.map((name) => `${name}:${port}`).join(",");
}

/** What brokers speak with one another. A broker that is there keeps its own until all can change. */
const PROTOCOL_KEY = "inter.broker.protocol.version";

/** The protocol that came with a release: 3.9 of 3.9.1. */
function protocol(version: string): string {
  return version.split(".").slice(0, 2).join(".");
}

/** `server.properties` of one broker. */
export function serverProperties(config: BrokerConfig): string {
  const { replicationFactor } = config;
  const minIsr = minInSyncReplicas(replicationFactor);
  return propertiesFile({
    "broker.id": config.id,
    "broker.rack": config.rack,
    listeners: `PLAINTEXT://0.0.0.0:${BROKER_PORT}`,
    "advertised.listeners": `PLAINTEXT://${config.advertisedName}:${BROKER_PORT}`,
    "zookeeper.connect": endpoints(config.zookeepers, CLIENT_PORT),
    "zookeeper.connection.timeout.ms": 60000,
    [PROTOCOL_KEY]: protocol(config.version),
    "log.dirs": "/data/kafka-logs",
    "num.network.threads": 4,
    "num.io.threads": 8,
    "num.partitions": 1,
    "default.replication.factor": replicationFactor,
    "min.insync.replicas": minIsr,
    "log.retention.hours": 72,
    "log.segment.bytes": 1073741824,
    "offsets.topic.replication.factor": replicationFactor,
    "transaction.state.log.replication.factor": replicationFactor,
    "transaction.state.log.min.isr": minIsr,
    "group.initial.rebalance.delay.ms": 3000,
    "log.cleaner.dedupe.buffer.size": cleanerBuffer(config.heapMiB),
    // A follower may ask for a new partition before its leader knows that it leads.
    "replica.fetch.backoff.ms": 100,
    "auto.create.topics.enable": false,
    "unclean.leader.election.enable": false,
    "controlled.shutdown.enable": true,
    ...config.further,
  });
}

/** Logging of Kafka: to the journal, which bounds it. */
export const KAFKA_LOGGING = `log4j.rootLogger=INFO, console
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern=%-5p %m (%c)%n
log4j.logger.org.apache.zookeeper=WARN
log4j.logger.state.change.logger=WARN
log4j.logger.kafka.request.logger=WARN
log4j.logger.kafka.network.RequestChannel$=WARN
`;

/** JVM options of a broker beside its heap: JMX, on the loopback only. */
function kafkaJvmOptions(): string {
  return [
    "-Dcom.sun.management.jmxremote.host=127.0.0.1 -Djava.rmi.server.hostname=127.0.0.1",
    "-Dcom.sun.management.jmxremote.port=9999 -Dcom.sun.management.jmxremote.rmi.port=9999",
    "-Dcom.sun.management.jmxremote.authenticate=false -Dcom.sun.management.jmxremote.ssl=false",
  ].join(" ");
}

/**
 * Kernel settings of a broker's host, as lines of sysctl.d. A broker lives on the page cache: the
 * kernel writes it out early and in the background, and makes writers wait for it late. Every
 * segment takes two map areas (its indexes), and there are as many segments as files may be open.
 */
export const KAFKA_KERNEL = `vm.swappiness = 1
vm.dirty_background_ratio = 5
vm.dirty_ratio = 60
vm.max_map_count = ${2 * MAX_OPEN_FILES}`;

/** Where a broker's host has the script that its unit runs first (scripts/remote/kafka-session.sh). */
export const SESSION_SCRIPT = "/etc/kafkalab/kafka-session.sh";

/** Seconds that the script waits for ZooKeeper: as long as the broker itself does after it. */
const SESSION_SECONDS = 60;

/** The systemd unit of a broker. */
export function kafkaUnit(heapMiB: number): string {
  return renderUnit({
    service: "kafka-server",
    description: "Apache Kafka broker",
    documentation: "https://kafka.apache.org/39/documentation.html",
    user: "kafka",
    dataDirectory: "/data/kafka-logs",
    settings: [
      `Environment="KAFKA_HEAP_OPTS=-Xms${heapMiB}m -Xmx${heapMiB}m"`,
      `Environment="KAFKA_OPTS=${kafkaJvmOptions()}"`,
      "Environment=LOG_DIR=/var/log/kafka-server",
      // Without this the launcher adds a garbage-collection log that can grow to 1 GB.
      'Environment="EXTRA_ARGS=-name kafkaServer"',
      // The broker starts whatever becomes of the script.
      `ExecStartPre=-/bin/bash ${SESSION_SCRIPT} /usr/local/kafka ${SESSION_SECONDS}`,
      `TimeoutStartSec=${2 * SESSION_SECONDS}`,
    ],
    command: "/usr/local/kafka/bin/kafka-server-start.sh /usr/local/kafka/config/server.properties",
    // A controlled shutdown moves every leader away first; killing it early costs a log recovery.
    stopTimeoutSeconds: 180,
  });
}
