import { readBrokerKeys, readTopicKeys } from "../lib/kafka-keys";
import { type Breach } from "./breach";
import { type Decided, decidedByLab, severalLines, unknownKey } from "./keys";
import { belongsToPlugIn, hasForeignPlugIn, plugInKeys } from "./plug-in-keys";
import { nearest } from "./spelling";

/**
 * The keys that the lab sets itself. A setting for a single key names that key in its own definition
 * instead.
 */
const DECIDED: Decided = {
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

/** The keys about TLS, SASL and authorization: the lab sets them if it has security. */
const SECURITY_KEY =
  /^(ssl|sasl|authorizer|listener\.name)\.|^(super\.users|allow\.everyone\.if\.no\.acl\.found|zookeeper\.set\.acl|principal\.builder\.class)$/;

/**
 * Returns the rule for an additional key of `server.properties`. Kafka itself validates the value on a host.
 *
 * @param all All additional lines.
 * @param decided The keys that have settings of their own.
 * @param hasSecurity Whether clients or brokers use TLS.
 */
export function brokerKeyRule(
  all: Record<string, string>,
  version: string,
  decided: Decided,
  hasSecurity = false,
): (pair: [string, string]) => Breach | undefined {
  const { live, restart } = readBrokerKeys(version);
  const listed = [...live, ...restart];
  const known = [...listed, ...plugInKeys(listed)];
  const isForeign = hasForeignPlugIn(all, listed);

  return ([key, value]) =>
    decidedByLab(key, { ...DECIDED, ...decided, ...ofSecurity(key) }) ??
    unknown(key) ??
    severalLines(value);

  function ofSecurity(key: string): Decided {
    return hasSecurity && SECURITY_KEY.test(key) ? { [key]: "security" } : {};
  }

  function unknown(key: string): Breach | undefined {
    if (belongsToPlugIn(key, all)) {
      return undefined;
    }
    // A third-party class may read any key. But a key that is close to one of Kafka's keys is a mistake.
    return isForeign && nearest(key, known) === undefined
      ? undefined
      : unknownKey(key, known, `keys that Kafka ${version} knows`);
  }
}

/** Returns the rule for a key of a topic's configuration. Kafka itself validates the value. */
export function topicKeyRule(version: string): (pair: [string, string]) => Breach | undefined {
  const known = readTopicKeys(version);
  return ([key, value]) =>
    unknownKey(key, known, `keys of topics that Kafka ${version} knows`) ?? severalLines(value);
}
