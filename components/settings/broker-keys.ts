import { readBrokerKeys, readTopicKeys } from "../lib/kafka-keys";
import { type Breach } from "./define";
import { type Decided, decidedByLab, severalLines, unknownKey } from "./keys";
import { hasForeignPlugIn, isPlugInKey, plugInKeys } from "./plug-in-keys";
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
 * Rejects a further line of `server.properties`. Whether its value is right, the release itself
 * judges, on a host.
 *
 * @param all The lines that are given with it.
 */
export function badBrokerKey(
  [key, value]: [string, string],
  all: Record<string, string>,
  version: string,
): Breach | undefined {
  return decidedByLab(key, DECIDED) ?? unknownBrokerKey(key, all, version) ?? severalLines(value);
}

/** Rejects a setting of a topic. Whether its value is right, the release itself judges. */
export function badTopicKey([key, value]: [string, string], version: string): Breach | undefined {
  const keys = `keys of topics that Kafka ${version} knows`;
  return unknownKey(key, readTopicKeys(version), keys) ?? severalLines(value);
}

function unknownBrokerKey(
  key: string,
  all: Record<string, string>,
  version: string,
): Breach | undefined {
  const { live, restart } = readBrokerKeys(version);
  const known = [...live, ...restart];
  if (isPlugInKey(key, all, known)) {
    return undefined;
  }
  const named = [...known, ...plugInKeys(known)];
  // A class that is not Kafka's own may read any key, but a misspelt key of Kafka's stays a mistake.
  if (hasForeignPlugIn(all, known) && nearest(key, named) === undefined) {
    return undefined;
  }
  return unknownKey(key, named, `keys that Kafka ${version} knows`);
}
