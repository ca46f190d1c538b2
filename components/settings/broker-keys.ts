import { readBrokerKeys, readTopicKeys } from "../lib/kafka-keys";
import { type Breach } from "./breach";
import { type Decided, decidedByLab, severalLines, unknownKey } from "./keys";
import { belongsToPlugIn, hasForeignPlugIn, plugInKeys } from "./plug-in-keys";
import { nearest } from "./spelling";

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

/**
 * The rule for a further line of `server.properties`. Whether its value is right, the release itself
 * judges, on a host.
 *
 * @param all The lines that are given with it.
 */
export function brokerKeyRule(
  all: Record<string, string>,
  version: string,
): (pair: [string, string]) => Breach | undefined {
  const { live, restart } = readBrokerKeys(version);
  const listed = [...live, ...restart];
  const known = [...listed, ...plugInKeys(listed)];
  const isForeign = hasForeignPlugIn(all, listed);

  return ([key, value]) => decidedByLab(key, DECIDED) ?? unknown(key) ?? severalLines(value);

  function unknown(key: string): Breach | undefined {
    if (belongsToPlugIn(key, all)) {
      return undefined;
    }
    // A class that is not Kafka's own may read any key, but a misspelt key of Kafka's stays a mistake.
    return isForeign && nearest(key, known) === undefined
      ? undefined
      : unknownKey(key, known, `keys that Kafka ${version} knows`);
  }
}

/** The rule for a setting of a topic. Whether its value is right, the release itself judges. */
export function topicKeyRule(version: string): (pair: [string, string]) => Breach | undefined {
  const known = readTopicKeys(version);
  return ([key, value]) =>
    unknownKey(key, known, `keys of topics that Kafka ${version} knows`) ?? severalLines(value);
}
