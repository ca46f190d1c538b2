/*
 * What Apache's binary releases hold in bin/ and in config/ (conf/): the output of
 * `git ls-tree --name-only TAG DIRECTORY/` in Apache's repository, without the directory. Kafka's releases
 * copy these two directories as they are (releaseTarGz in build.gradle).
 */

/** The files of a release, by directory. */
export interface ApacheRelease {
  /** Where the lists were read. */
  source: string;
  bin: readonly string[];
  config: readonly string[];
}

const KAFKA_BIN = [
  "connect-distributed.sh",
  "connect-mirror-maker.sh",
  "connect-plugin-path.sh",
  "connect-standalone.sh",
  "kafka-acls.sh",
  "kafka-broker-api-versions.sh",
  "kafka-client-metrics.sh",
  "kafka-cluster.sh",
  "kafka-configs.sh",
  "kafka-console-consumer.sh",
  "kafka-console-producer.sh",
  "kafka-consumer-groups.sh",
  "kafka-consumer-perf-test.sh",
  "kafka-delegation-tokens.sh",
  "kafka-delete-records.sh",
  "kafka-dump-log.sh",
  "kafka-e2e-latency.sh",
  "kafka-features.sh",
  "kafka-get-offsets.sh",
  "kafka-jmx.sh",
  "kafka-leader-election.sh",
  "kafka-log-dirs.sh",
  "kafka-metadata-quorum.sh",
  "kafka-metadata-shell.sh",
  "kafka-mirror-maker.sh",
  "kafka-producer-perf-test.sh",
  "kafka-reassign-partitions.sh",
  "kafka-replica-verification.sh",
  "kafka-run-class.sh",
  "kafka-server-start.sh",
  "kafka-server-stop.sh",
  "kafka-storage.sh",
  "kafka-streams-application-reset.sh",
  "kafka-topics.sh",
  "kafka-transactions.sh",
  "kafka-verifiable-consumer.sh",
  "kafka-verifiable-producer.sh",
  "trogdor.sh",
  "windows",
  "zookeeper-security-migration.sh",
  "zookeeper-server-start.sh",
  "zookeeper-server-stop.sh",
  "zookeeper-shell.sh",
];

const KAFKA_CONFIG = [
  "connect-console-sink.properties",
  "connect-console-source.properties",
  "connect-distributed.properties",
  "connect-file-sink.properties",
  "connect-file-source.properties",
  "connect-log4j.properties",
  "connect-mirror-maker.properties",
  "connect-standalone.properties",
  "consumer.properties",
  "kraft",
  "log4j.properties",
  "producer.properties",
  "server.properties",
  "tools-log4j.properties",
  "trogdor.conf",
  "zookeeper.properties",
];

const ZOOKEEPER_BIN = [
  "README.txt",
  "zkCleanup.sh",
  "zkCli.cmd",
  "zkCli.sh",
  "zkEnv.cmd",
  "zkEnv.sh",
  "zkServer-initialize.sh",
  "zkServer.cmd",
  "zkServer.sh",
  "zkSnapShotToolkit.cmd",
  "zkSnapShotToolkit.sh",
  "zkSnapshotComparer.cmd",
  "zkSnapshotComparer.sh",
  "zkTxnLogToolkit.cmd",
  "zkTxnLogToolkit.sh",
];

const ZOOKEEPER_CONFIG = ["configuration.xsl", "logback.xml", "zoo_sample.cfg"];

/** Apache's lists, by product and release. */
export const APACHE_RELEASES: Record<"kafka" | "zookeeper", Record<string, ApacheRelease>> = {
  kafka: {
    "3.8.1": {
      source:
        "apache/kafka, tag 3.8.1-rc1, whose commit 70d6ff42debf7e17 kafka-clients-3.8.1.jar names",
      bin: KAFKA_BIN,
      config: KAFKA_CONFIG,
    },
    "3.9.0": {
      source: "apache/kafka, tag 3.9.0-rc3; the jars of the release have the same tools",
      bin: KAFKA_BIN,
      config: KAFKA_CONFIG,
    },
    "3.9.1": {
      source:
        "apache/kafka, tag 3.9.0-rc3; the jars of 3.9.1 have the same tools as those of 3.9.0",
      bin: KAFKA_BIN,
      config: KAFKA_CONFIG,
    },
  },
  zookeeper: {
    "3.8.3": {
      source: "apache/zookeeper, tag release-3.8.3",
      bin: ZOOKEEPER_BIN,
      config: ZOOKEEPER_CONFIG,
    },
    "3.8.4": {
      source: "apache/zookeeper, tag release-3.8.4",
      bin: ZOOKEEPER_BIN,
      config: ZOOKEEPER_CONFIG,
    },
  },
};
