import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Breach, nearest, type Rule } from "./setting-reader";

/** The names of a Kafka release's broker settings. */
export interface BrokerKeys {
  /** What a broker takes while it runs. */
  live: string[];
  /** What it reads when it starts. */
  restart: string[];
}

/** Kafka version → names, as the release itself lists them (test/operations/roll.test.ts). */
export function readBrokerKeys(version: string): BrokerKeys {
  return readTable<BrokerKeys>("broker-keys.json")[version] ?? { live: [], restart: [] };
}

/** The names of a Kafka release's topic settings, as the release itself lists them. */
export function readTopicKeys(version: string): string[] {
  return readTable<string[]>("topic-keys.json")[version] ?? [];
}

function readTable<T>(file: string): Record<string, T> {
  return JSON.parse(readFileSync(join(__dirname, file), "utf8")) as Record<string, T>;
}

/** Keys that the lab decides, each with the setting that it follows from, if there is one. */
type Decided = Record<string, string>;

const BROKER_DECIDED: Decided = {
  "broker.id": "brokers",
  "node.id": "brokers",
  "broker.rack": "availabilityZones",
  listeners: "",
  "advertised.listeners": "domain",
  "listener.security.protocol.map": "",
  "inter.broker.listener.name": "",
  "security.inter.broker.protocol": "",
  "control.plane.listener.name": "",
  "controller.listener.names": "",
  "controller.quorum.voters": "",
  "controller.quorum.bootstrap.servers": "",
  "process.roles": "",
  "zookeeper.connect": "zookeeperNodes",
  "zookeeper.metadata.migration.enable": "",
  "log.dir": "",
  "log.dirs": "",
  "metadata.log.dir": "",
  "inter.broker.protocol.version": "kafkaVersion",
  "default.replication.factor": "replicationFactor",
  "min.insync.replicas": "replicationFactor",
  "offsets.topic.replication.factor": "replicationFactor",
  "transaction.state.log.replication.factor": "replicationFactor",
  "transaction.state.log.min.isr": "replicationFactor",
};

const ZOOKEEPER_DECIDED: Decided = {
  dataDir: "",
  dataLogDir: "",
  clientPort: "",
  clientPortAddress: "",
  secureClientPort: "",
  secureClientPortAddress: "",
  electionAlg: "",
  peerType: "",
  observerMasterPort: "",
  portUnification: "",
  sslQuorum: "",
  dynamicConfigFile: "",
  standaloneEnabled: "",
  reconfigEnabled: "",
  skipACL: "",
  "4lw.commands.whitelist": "",
};

/** What ZooKeeper takes for a key: a form, or one of a few words. */
interface Form {
  pattern: RegExp;
  /** As the rest of "give snapCount ...". */
  words: string;
}

const NUMBER: Form = { pattern: /^-?\d{1,10}$/, words: "a whole number" };
const SHARE: Form = { pattern: /^\d+(\.\d+)?$/, words: "a number" };
const FLAG: Form = { pattern: /^(true|false)$/, words: "true or false" };
const TEXT: Form = { pattern: /^[\x21-\x7e]+$/, words: "a text of ASCII without blanks" };
const oneOf = (...values: string[]): Form => ({
  pattern: new RegExp(`^(${values.map((value) => value.replaceAll(".", "\\.")).join("|")})$`),
  words: values.join(" or "),
});

const PROMETHEUS = "org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider";
const METRICS = "metricsProvider.";

/**
 * Keys of `zoo.cfg` that ZooKeeper 3.8 documents, and the form of their values. ZooKeeper itself
 * refuses none that it does not know. Not here: keys of TLS, SASL and observers, which want files or
 * nodes that the lab does not make.
 */
const ZOOKEEPER_KEYS: Record<string, Form> = {
  ...form(NUMBER, [
    ...["tickTime", "initLimit", "syncLimit", "connectToLearnerMasterLimit"],
    ...["maxClientCnxns", "maxCnxns", "minSessionTimeout", "maxSessionTimeout"],
    ...["clientPortListenBacklog", "cnxTimeout", "electionPortBindRetry"],
    ...["quorumCnxnTimeoutMs", "quorum.cnxn.threads.size"],
    ...["autopurge.snapRetainCount", "autopurge.purgeInterval", "snapCount", "preAllocSize"],
    ...["snapSizeLimitInKb", "txnLogSizeLimitInKb", "commitLogCount", "fsync.warningthresholdms"],
    ...["globalOutstandingLimit", "maxBatchSize", "flushDelay", "maxWriteQueuePollTime"],
    ...["maxResponseCacheSize", "maxGetChildrenResponseCacheSize", "intBufferStartingSizeBytes"],
    ...["nio.numSelectorThreads", "nio.numWorkerThreads", "nio.sessionlessCnxnTimeout"],
    ...["nio.directBufferBytes", "commitProcessor.numWorkerThreads"],
    ...["commitProcessor.maxReadBatchSize", "commitProcessor.maxCommitBatchSize"],
    ...["admin.serverPort", "admin.idleTimeout", "admin.httpVersion"],
    ...["leader.maxConcurrentSnapSyncs", "leader.maxConcurrentDiffSyncs"],
    ...["leader.maxTimeToWaitForEpoch", "leader.ackLoggingFrequency"],
    ...["leaderConnectDelayDuringRetryMs", "fastleader.minNotificationInterval"],
    ...["fastleader.maxNotificationInterval", "netty.server.outstandingHandshake.limit"],
    ...["largeRequestMaxBytes", "largeRequestThreshold", "request_throttle_max_requests"],
    ...["request_throttle_stall_time", "throttled_op_wait_time"],
    ...["multiAddress.reachabilityCheckTimeoutMs"],
    ...["connection_throttle_tokens", "connection_throttle_fill_time"],
    ...["connection_throttle_fill_count", "connection_throttle_freeze_time"],
    ...["connection_throttle_global_session_weight", "connection_throttle_local_session_weight"],
    ...["connection_throttle_renew_session_weight"],
    ...["watcherCleanThreadsNum", "watcherCleanThreshold", "watcherCleanIntervalInSeconds"],
    ...["maxInProcessingDeadWatchers", "bitHashCacheSize", "messageTracker.BufferSize"],
    ...["pathStats.slotCapacity", "pathStats.slotDuration", "pathStats.maxDepth"],
    ...["pathStats.initialDelay", "pathStats.delay", "pathStats.topPathMax"],
    ...["jvm.pause.sleep.time.ms", "jvm.pause.warn-threshold.ms", "jvm.pause.info-threshold.ms"],
    ...["metricsProvider.httpPort", "metricsProvider.numWorkerThreads"],
    ...["metricsProvider.maxQueueSize", "metricsProvider.workerShutdownTimeoutMs"],
  ]),
  ...form(SHARE, [
    ...["connection_throttle_drop_increase", "connection_throttle_drop_decrease"],
    ...["connection_throttle_decrease_ratio", "pathStats.sampleRate", "snapshotSizeFactor"],
  ]),
  ...form(FLAG, [
    ...["localSessionsEnabled", "localSessionsUpgradingEnabled", "quorumListenOnAllIPs"],
    ...["syncEnabled", "extendedTypesEnabled", "emulate353TTLNodes", "db.autocreate"],
    ...["admin.enableServer", "digest.enabled", "snapshot.trust.empty", "tcpKeepAlive"],
    ...["leader.closeSocketAsync", "learner.closeSocketAsync", "learner.asyncSending"],
    ...["forward_learner_requests_to_commit_processor_disabled"],
    ...["follower.skipLearnerRequestToNextProcessor", "netty.advancedFlowControl.enabled"],
    ...["multiAddress.enabled", "multiAddress.reachabilityCheckEnabled", "audit.enable"],
    ...["sessionRequireClientSASLAuth", "enforce.auth.enabled", "enforceQuota"],
    ...["request_throttle_drop_stale", "request_stale_latency_check"],
    ...["request_stale_connection_check", "closeSessionTxn.enabled", "enableEagerACLCheck"],
    ...["connection_throttle_weight_enabled", "messageTracker.Enabled", "pathStats.enabled"],
    ...["jvm.pause.monitor", "metricsProvider.exportJvmInfo"],
  ]),
  ...form(oneOf("yes", "no"), ["forceSync", "leaderServes"]),
  ...form(TEXT, [
    ...["admin.serverAddress", "admin.commandURL", "enforce.auth.schemes"],
    ...["audit.impl.class", "metricsProvider.httpHost"],
  ]),
  ...form(oneOf("gz", "snappy"), ["snapshot.compression.method"]),
  ...form(
    oneOf(
      "org.apache.zookeeper.server.NIOServerCnxnFactory",
      "org.apache.zookeeper.server.NettyServerCnxnFactory",
    ),
    ["serverCnxnFactory"],
  ),
  ...form(
    oneOf(
      "org.apache.zookeeper.server.watch.WatchManager",
      "org.apache.zookeeper.server.watch.WatchManagerOptimized",
    ),
    ["watchManagerName"],
  ),
  ...form(
    oneOf(
      PROMETHEUS,
      "org.apache.zookeeper.metrics.impl.DefaultMetricsProvider",
      "org.apache.zookeeper.metrics.impl.NullMetricsProvider",
    ),
    ["metricsProvider.className"],
  ),
};

/** A further line of `server.properties`. Its value is for the release to judge, on a host. */
export function brokerKey(version: string): Rule<[string, string]> {
  const { live, restart } = readBrokerKeys(version);
  const known = [...live, ...restart];
  return ([key, value]) =>
    decided(key, BROKER_DECIDED) ?? unknown(key, known, `Kafka ${version}`) ?? oneLine(value);
}

/** A setting of a topic. Its value is for the release to judge. */
export function topicKey(version: string): Rule<[string, string]> {
  const known = readTopicKeys(version);
  return ([key, value]) => unknown(key, known, `Kafka ${version}`, "of topics") ?? oneLine(value);
}

/** A further line of `zoo.cfg`. */
export function zookeeperKey([key, value]: [string, string]): Breach | undefined {
  return (
    decided(/^(server|group|weight)\.\d+$/.test(key) ? "server" : key, {
      ...ZOOKEEPER_DECIDED,
      server: "zookeeperNodes",
    }) ??
    unknown(key, Object.keys(ZOOKEEPER_KEYS), "ZooKeeper 3.8") ??
    formed(key, value)
  );
}

/** Further lines of `zoo.cfg` that mean something only together. */
export function zookeeperKeys(lines: Record<string, string>): Breach | undefined {
  const metrics = Object.keys(lines).filter(
    (key) => key.startsWith(METRICS) && key !== `${METRICS}className`,
  );
  if (metrics.length > 0 && lines[`${METRICS}className`] !== PROMETHEUS) {
    return {
      rule: `set metricsProvider.className to ${PROMETHEUS} for ${metrics.join(", ")}`,
      remedy: "Set it, or leave these keys out",
    };
  }
  const [least, most] = ["minSessionTimeout", "maxSessionTimeout"].map((key) => lines[key]);
  return least !== undefined && most !== undefined && Number(least) > Number(most)
    ? {
        rule: "not have a minSessionTimeout above the maxSessionTimeout",
        remedy: "Exchange the two, or leave one of them out",
      }
    : undefined;
}

function decided(key: string, keys: Decided): Breach | undefined {
  const setting = Object.hasOwn(keys, key) ? keys[key] : undefined;
  if (setting === undefined) {
    return undefined;
  }
  return setting === ""
    ? { rule: "hold no key that the lab itself decides", remedy: "Leave it out" }
    : {
        rule: `hold no key that follows from kafkalab:${setting}`,
        remedy: `Leave it out, or change kafkalab:${setting}`,
      };
}

function unknown(key: string, known: string[], release: string, kind = ""): Breach | undefined {
  if (known.includes(key)) {
    return undefined;
  }
  const near = nearest(key, known);
  return {
    rule: `hold keys ${kind}${kind && " "}that ${release} knows`,
    remedy: near === undefined ? "Leave it out" : `Write ${near}, or leave it out`,
  };
}

function oneLine(value: string): Breach | undefined {
  return /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$|^$/.test(value) && !value.includes("\\")
    ? undefined
    : {
        rule: "hold values of one line of ASCII, without backslash and blanks at its ends",
        remedy: "Write it without them",
      };
}

function formed(key: string, value: string): Breach | undefined {
  const form = ZOOKEEPER_KEYS[key];
  return form === undefined || form.pattern.test(value)
    ? undefined
    : { rule: `give ${key} ${form.words}`, remedy: "Correct the value" };
}

function form(form: Form, names: string[]): Record<string, Form> {
  return Object.fromEntries(names.map((name) => [name, form]));
}
