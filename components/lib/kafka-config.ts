import { minInSyncReplicas } from "../../operator/kafka/availability";
import { propertiesFile } from "./properties";
import { loginOption, MAX_OPEN_FILES, renderUnit } from "./units";
import { CLIENT_PORT } from "./zookeeper-config";
import { KAFKA_HOME } from "../../shared/homes";
import { listenerLines, type Outside } from "./kafka-listeners";
import { PLAINTEXT, type SecurityStage } from "./kafka-security";
import { type BrokerTls, tlsLines } from "./kafka-tls";

/** The inputs of a broker's `server.properties`. */
export interface BrokerConfig {
  id: number;
  /** Full host name that the other brokers and clients inside the VPC use. */
  advertisedName: string;
  /** Where clients outside the VPC find the broker, if they can. */
  outside?: Outside;
  /** @default plaintext */
  stage?: SecurityStage;
  /** Omitted if no listener uses TLS. */
  tls?: BrokerTls;
  /** Zone id. Kafka spreads replicas over racks. */
  rack: string;
  zookeepers: string[];
  replicationFactor: number;
  /** Heap in MiB. */
  heapMiB: number;
  /** Kafka version. */
  version: string;
  /** The lines that come from settings of their own. */
  lines: Record<string, string>;
  /** Further lines. They override the lines that this module writes. */
  further?: Record<string, string>;
}

/**
 * Size of the log cleaner's buffer in bytes. A broker allocates it at start and never frees it. Kafka's
 * default of 128 MiB is one eighth of the book's heap of 1 GiB. With a smaller heap, the buffer is also
 * one eighth. With a larger heap, it is the default.
 */
function cleanerBuffer(heapMiB: number): number {
  return Math.min(heapMiB / 8, 128) * 2 ** 20;
}

/** `host:port` of each name, separated by commas. */
export function endpoints(names: string[], port: number): string {
  return names.map((name) => `${name}:${port}`).join(",");
}

/** The inter-broker protocol. The operator keeps the former protocol until all brokers can change it. */
const PROTOCOL_KEY = "inter.broker.protocol.version";

/** Returns the protocol of a release, for example 3.9 for 3.9.1. */
function protocol(version: string): string {
  return version.split(".").slice(0, 2).join(".");
}

/** `server.properties` of one broker. */
export function serverProperties(config: BrokerConfig): string {
  const { replicationFactor } = config;
  const minIsr = minInSyncReplicas(replicationFactor);
  const { advertisedName, outside, stage = PLAINTEXT, tls } = config;
  const listeners = { advertisedName, outside, stage };
  return propertiesFile({
    "broker.id": config.id,
    "broker.rack": config.rack,
    ...listenerLines(listeners),
    ...(tls && tlsLines(listeners, tls)),
    "zookeeper.connect": endpoints(config.zookeepers, CLIENT_PORT),
    "zookeeper.connection.timeout.ms": 60000,
    [PROTOCOL_KEY]: protocol(config.version),
    "log.dirs": "/data/kafka-logs",
    "num.network.threads": 4,
    "num.io.threads": 8,
    "num.partitions": 1,
    "default.replication.factor": replicationFactor,
    "min.insync.replicas": minIsr,
    "log.segment.bytes": 1073741824,
    "offsets.topic.replication.factor": replicationFactor,
    "transaction.state.log.replication.factor": replicationFactor,
    "transaction.state.log.min.isr": minIsr,
    "group.initial.rebalance.delay.ms": 3000,
    "log.cleaner.dedupe.buffer.size": cleanerBuffer(config.heapMiB),
    // A follower may fetch a new partition before its leader knows the partition. Retry soon.
    "replica.fetch.backoff.ms": 100,
    "auto.create.topics.enable": false,
    "unclean.leader.election.enable": false,
    "controlled.shutdown.enable": true,
    ...config.lines,
    ...config.further,
  });
}

/** Kafka logs to the journal, which limits the size. */
export const KAFKA_LOGGING = `log4j.rootLogger=INFO, console
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern=%-5p %m (%c)%n
log4j.logger.org.apache.zookeeper=WARN
log4j.logger.state.change.logger=WARN
log4j.logger.kafka.request.logger=WARN
log4j.logger.kafka.network.RequestChannel$=WARN
`;

/** JVM options of a broker besides its heap: JMX on the loopback address. */
function kafkaJvmOptions(): string {
  return [
    "-Dcom.sun.management.jmxremote.host=127.0.0.1 -Djava.rmi.server.hostname=127.0.0.1",
    "-Dcom.sun.management.jmxremote.port=9999 -Dcom.sun.management.jmxremote.rmi.port=9999",
    "-Dcom.sun.management.jmxremote.authenticate=false -Dcom.sun.management.jmxremote.ssl=false",
  ].join(" ");
}

/**
 * Kernel settings of a broker's host, as lines of sysctl.d. A broker relies on the page cache, so the
 * kernel starts to write dirty pages early in the background and blocks writers late. Every segment needs
 * two memory maps for its indexes, and there can be as many segments as open files.
 */
export const KAFKA_KERNEL = `vm.swappiness = 1
vm.dirty_background_ratio = 5
vm.dirty_ratio = 60
vm.max_map_count = ${2 * MAX_OPEN_FILES}`;

/** Path on a broker's host of the script that its unit runs first (scripts/remote/kafka-session.sh). */
export const SESSION_SCRIPT = "/etc/kafkalab/kafka-session.sh";

/** How many seconds the script waits for ZooKeeper. The broker then waits for the same time. */
const SESSION_SECONDS = 60;

/**
 * The systemd unit of a broker.
 *
 * @param jaasFile Path of the configuration of its login to ZooKeeper. @default none
 */
export function kafkaUnit(heapMiB: number, jaasFile?: string): string {
  return renderUnit({
    service: "kafka-server",
    description: "Apache Kafka broker",
    documentation: "https://kafka.apache.org/39/documentation.html",
    user: "kafka",
    dataDirectory: "/data/kafka-logs",
    settings: [
      `Environment="KAFKA_HEAP_OPTS=-Xms${heapMiB}m -Xmx${heapMiB}m"`,
      `Environment="KAFKA_OPTS=${kafkaJvmOptions()}${loginOption(jaasFile)}"`,
      "Environment=LOG_DIR=/var/log/kafka-server",
      // Without this the launcher enables a garbage collection log of up to 1 GB.
      'Environment="EXTRA_ARGS=-name kafkaServer"',
      // The "-" makes systemd start the broker even if the script fails.
      `ExecStartPre=-/bin/bash ${SESSION_SCRIPT} ${KAFKA_HOME} ${SESSION_SECONDS}`,
      `TimeoutStartSec=${2 * SESSION_SECONDS}`,
    ],
    command: `${KAFKA_HOME}/bin/kafka-server-start.sh ${KAFKA_HOME}/config/server.properties`,
    // A controlled shutdown first moves all leaders, which takes time. If systemd kills the broker
    // earlier, the broker must recover its log at the next start.
    stopTimeoutSeconds: 180,
  });
}
