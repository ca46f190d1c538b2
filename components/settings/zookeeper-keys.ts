import { CLIENT_PORT } from "../lib/zookeeper-config";
import { ZOOKEEPER_SECURITY_KEYS } from "../lib/zookeeper-security";
import { type Breach } from "./breach";
import { type Decided, decidedByLab, unknownKey } from "./keys";
import { breach } from "./rules";

/**
 * The keys that the lab sets itself. A setting for a single key names that key in its own definition instead.
 */
const DECIDED: Decided = {
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
  ...Object.fromEntries(ZOOKEEPER_SECURITY_KEYS.map((key) => [key, "security"])),
};

/** The format of a key's value. */
interface Form {
  fits: (value: string) => boolean;
  /** Describes the format: the rest of "give snapCount ...". */
  words: string;
}

const NUMBER = pattern(/^-?\d{1,10}$/, "a whole number");
const SHARE = pattern(/^\d+(\.\d+)?$/, "a number");
const FLAG = pattern(/^(true|false)$/, "true or false");
const TEXT = pattern(/^[\x21-\x7e]+$/, "a text of ASCII without blanks");
/** Ports below 1024 need root, and ZooKeeper does not run as root. */
const PORT: Form = {
  fits: (value) => /^\d{4,5}$/.test(value) && Number(value) >= 1024 && Number(value) < 2 ** 16,
  words: "a port from 1024 to 65535",
};

const PROMETHEUS = "org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider";
const METRICS = "metricsProvider.";

/** Keys of the ports that ZooKeeper opens in addition to the lab's own. */
const PORT_KEYS = ["admin.serverPort", "metricsProvider.httpPort"];

/** The ports for clients, for followers and for leader election. */
const USED_PORTS = [CLIENT_PORT, 2888, 3888].map(String);

/**
 * The keys of `zoo.cfg` that ZooKeeper 3.8 documents, with the format of their values. ZooKeeper itself
 * ignores unknown keys. The table does not contain the keys of TLS, SASL and observers: they need files
 * or nodes that the lab does not create.
 */
const KEYS: Record<string, Form> = {
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
    ...["admin.idleTimeout", "admin.httpVersion"],
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
    ...["metricsProvider.numWorkerThreads"],
    ...["metricsProvider.maxQueueSize", "metricsProvider.workerShutdownTimeoutMs"],
  ]),
  ...form(PORT, PORT_KEYS),
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

/**
 * Returns the rule for a further line of `zoo.cfg`.
 *
 * @param decided The keys that have settings of their own.
 */
export function zookeeperKeyRule(decided: Decided): (pair: [string, string]) => Breach | undefined {
  const keys = { ...DECIDED, ...decided, server: "zookeeperNodes" };
  return ([key, value]) =>
    decidedByLab(/^(server|group|weight)\.\d+$/.test(key) ? "server" : key, keys) ??
    unknownKey(key, Object.keys(KEYS), "keys that ZooKeeper 3.8 knows") ??
    formed(key, value);
}

/** Rejects keys of `zoo.cfg` that contradict each other. */
export function badZookeeperKeys(lines: Record<string, string>): Breach | undefined {
  const metrics = Object.keys(lines).filter(
    (key) => key.startsWith(METRICS) && key !== `${METRICS}className`,
  );
  if (metrics.length > 0 && lines[`${METRICS}className`] !== PROMETHEUS) {
    return {
      rule: `set metricsProvider.className to ${PROMETHEUS} for ${metrics.join(", ")}`,
      remedy: "Set it, or leave these keys out",
    };
  }
  return portInUse(lines) ?? crossedTimeouts(lines);
}

function portInUse(lines: Record<string, string>): Breach | undefined {
  const given = PORT_KEYS.flatMap((key) => {
    const port = lines[key];
    return port === undefined ? [] : [{ key, port }];
  });
  const [first, second] = given;
  const own = given.find(({ port }) => USED_PORTS.includes(port));
  if (own !== undefined) {
    return {
      rule: `not give ${own.key} the port ${own.port}, which ZooKeeper already uses`,
      remedy: "Choose another port, such as 7000",
    };
  }
  return breach(
    first !== undefined && first.port === second?.port,
    `give ${PORT_KEYS.join(" and ")} different ports`,
    "Change one of the two",
  );
}

function crossedTimeouts({ minSessionTimeout, maxSessionTimeout }: Record<string, string>) {
  return breach(
    Number(minSessionTimeout) > Number(maxSessionTimeout),
    "not have a minSessionTimeout above the maxSessionTimeout",
    "Exchange the two, or leave one of them out",
  );
}

function formed(key: string, value: string): Breach | undefined {
  const form = KEYS[key];
  return form === undefined || form.fits(value)
    ? undefined
    : { rule: `give ${key} ${form.words}`, remedy: "Correct the value" };
}

function form(form: Form, names: string[]): Record<string, Form> {
  return Object.fromEntries(names.map((name) => [name, form]));
}

function pattern(expression: RegExp, words: string): Form {
  return { fits: (value) => expression.test(value), words };
}

function oneOf(...values: string[]): Form {
  return { fits: (value) => values.includes(value), words: values.join(" or ") };
}
