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

/** Kafka version → names, as the release itself lists them (test/integration/roll.test.ts). */
export function readBrokerKeys(version: string): BrokerKeys {
  const file = join(__dirname, "broker-keys.json");
  const all = JSON.parse(readFileSync(file, "utf8")) as Record<string, BrokerKeys>;
  return all[version] ?? { live: [], restart: [] };
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
  dynamicConfigFile: "",
  standaloneEnabled: "",
  reconfigEnabled: "",
  skipACL: "",
  "4lw.commands.whitelist": "",
};

const FLAG = /^(true|false)$/;
const NUMBER = /^-?\d{1,10}$/;
const TEXT = /^\S+$/;

/**
 * Keys of `zoo.cfg` that ZooKeeper 3.8 documents, and the form of their values. ZooKeeper itself
 * refuses none that it does not know.
 */
const ZOOKEEPER_KEYS: Record<string, RegExp> = {
  ...form(NUMBER, [
    ...["tickTime", "initLimit", "syncLimit", "connectToLearnerMasterLimit"],
    ...["maxClientCnxns", "maxCnxns", "minSessionTimeout", "maxSessionTimeout"],
    ...["clientPortListenBacklog", "cnxTimeout", "electionPortBindRetry"],
    ...["autopurge.snapRetainCount", "autopurge.purgeInterval", "snapCount", "preAllocSize"],
    ...["snapSizeLimitInKb", "txnLogSizeLimitInKb", "commitLogCount", "fsync.warningthresholdms"],
    ...["globalOutstandingLimit", "maxBatchSize", "flushDelay", "maxWriteQueuePollTime"],
    ...["maxResponseCacheSize", "maxGetChildrenResponseCacheSize"],
    ...["nio.numSelectorThreads", "nio.numWorkerThreads", "nio.sessionlessCnxnTimeout"],
    ...["commitProcessor.numWorkerThreads", "admin.serverPort", "admin.idleTimeout"],
    ...["leader.maxConcurrentSnapSyncs", "leader.maxConcurrentDiffSyncs"],
    ...["largeRequestMaxBytes", "largeRequestThreshold", "request_throttle_max_requests"],
    ...["request_throttle_stall_time", "multiAddress.reachabilityCheckTimeoutMs"],
  ]),
  ...form(FLAG, [
    ...["localSessionsEnabled", "localSessionsUpgradingEnabled", "quorumListenOnAllIPs"],
    ...["syncEnabled", "extendedTypesEnabled"],
    ...["admin.enableServer", "digest.enabled", "snapshot.trust.empty", "tcpKeepAlive"],
    ...["leader.closeSocketAsync", "learner.closeSocketAsync", "learner.asyncSending"],
    ...["multiAddress.enabled", "multiAddress.reachabilityCheckEnabled", "audit.enable"],
    ...["sessionRequireClientSASLAuth", "enforce.auth.enabled", "enforceQuota"],
    ...["request_throttle_drop_stale", "closeSessionTxn.enabled"],
  ]),
  ...form(/^(yes|no)$/, ["forceSync", "leaderServes"]),
  ...form(TEXT, [
    ...["admin.serverAddress", "admin.commandURL", "enforce.auth.schemes", "serverCnxnFactory"],
    ...["metricsProvider.className", "snapshot.compression.method", "watchManagerName"],
  ]),
};

/** A further line of `server.properties`. Its value is for the release to judge, on a host. */
export function brokerKey(version: string): Rule<[string, string]> {
  const { live, restart } = readBrokerKeys(version);
  const known = [...live, ...restart];
  return ([key, value]) =>
    decided(key, BROKER_DECIDED) ?? unknown(key, known, `Kafka ${version}`) ?? oneLine(value);
}

/** A further line of `zoo.cfg`. */
export function zookeeperKey([key, value]: [string, string]): Breach | undefined {
  return (
    decided(/^server\.\d+$/.test(key) ? "server" : key, {
      ...ZOOKEEPER_DECIDED,
      server: "zookeeperNodes",
    }) ??
    unknown(key, Object.keys(ZOOKEEPER_KEYS), "ZooKeeper 3.8") ??
    formed(key, value)
  );
}

function decided(key: string, keys: Decided): Breach | undefined {
  const setting = keys[key];
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

function unknown(key: string, known: string[], release: string): Breach | undefined {
  if (known.includes(key)) {
    return undefined;
  }
  const near = nearest(key, known);
  return {
    rule: `hold keys that ${release} knows`,
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
  const pattern = ZOOKEEPER_KEYS[key];
  if (pattern === undefined || pattern.test(value)) {
    return undefined;
  }
  const words = new Map([
    [NUMBER, "a whole number"],
    [FLAG, "true or false"],
    [TEXT, "a text without blanks"],
  ]);
  return { rule: `give ${key} ${words.get(pattern) ?? "yes or no"}`, remedy: "Correct the value" };
}

function form(pattern: RegExp, names: string[]): Record<string, RegExp> {
  return Object.fromEntries(names.map((name) => [name, pattern]));
}
