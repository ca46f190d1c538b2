/*
 * Checks that the operator makes before it changes anything.
 */
import { noteOf } from "../service/files";
import { readProperties } from "../service/properties";
import { checkAccess } from "./access/settle";
import type { Broker, ClusterLook, KafkaCluster } from "./cluster";
import { without } from "./health";
import { listenerFault } from "./listeners";
import type { Metadata } from "./metadata";
import { sizeFault } from "./moves";
import { compareVersions, protocolOf, releaseFault, versionOf } from "./protocol";
import { KAFKA_HOME } from "../../shared/homes";

const CONFIG_SECONDS = 60;
const ZOOKEEPER_SECONDS = 30;

/**
 * Checks everything that could stop a change halfway.
 *
 * @throws Error that names the setting or the file, the rule, and the remedy.
 */
export async function checkBrokers(cluster: KafkaCluster, look: ClusterLook): Promise<void> {
  await checkCluster(cluster, look);
  await checkConfig(cluster, look);
}

/**
 * Checks that brokers can still talk to one another while they change their listeners one by one, and that
 * clients can follow. A wrong setting would take brokers down that the operator cannot reach any more, so
 * this check comes first.
 */
export function checkListeners(
  cluster: KafkaCluster,
  { brokers }: ClusterLook,
  stage: number,
): void {
  for (const broker of brokers) {
    const fault = listenerFault(cluster.broker(broker.id), stage, broker);
    if (fault !== undefined) {
      throw new Error(fault);
    }
  }
}

/** The checks of {@link checkBrokers} that do not need the wanted release, which may not be installed yet. */
export async function checkCluster(cluster: KafkaCluster, look: ClusterLook): Promise<void> {
  checkAccess(cluster, look);
  const { metadata, brokers } = look;
  if (metadata !== undefined) {
    await checkSize(cluster, metadata);
  }
  const faults = brokers.flatMap(({ id, wanted, protocol }) => {
    const fault = releaseFault(wanted, protocol);
    return fault === undefined ? [] : [`${cluster.broker(id).connection.name}: ${fault}`];
  });
  if (faults.length > 0) {
    throw new Error(faults.join("\n"));
  }
  checkLeaving(cluster, look);
  await checkIdentity(cluster, look);
}

/**
 * Checks that no partition has more replicas than there are brokers. Ignores moving partitions, because
 * they have their former and their new replicas at the same time.
 */
async function checkSize(cluster: KafkaCluster, known: Metadata): Promise<void> {
  const count = cluster.brokers.length;
  if (sizeFault(known, count) === undefined) {
    return;
  }
  const fault = sizeFault(without(known, new Set(await cluster.reassigned())), count);
  if (fault !== undefined) {
    throw new Error(fault);
  }
}

/**
 * Rejects a newer protocol while brokers leave the cluster: the operator does not upgrade these brokers,
 * so they could not use the newer protocol.
 */
function checkLeaving(cluster: KafkaCluster, { metadata, brokers }: ClusterLook): void {
  const leaving = metadata?.brokers.filter((id) => !cluster.ids.includes(id)) ?? [];
  const raised = brokers.find(
    ({ protocol, wanted }) =>
      protocol !== undefined && compareVersions(protocol, protocolOf(wanted.config)) < 0,
  );
  if (leaving.length > 0 && raised !== undefined) {
    throw new Error(
      `setting "kafkalab:kafkaVersion": it must not change while you remove brokers ${leaving.join(", ")}; ` +
        `got ${versionOf(raised.wanted.release)}. Nothing was changed. Run up with the former version first; then set the new one.`,
    );
  }
}

/** Checks that each broker with a pending change has its own data volume, from this cluster. */
async function checkIdentity(cluster: KafkaCluster, look: ClusterLook): Promise<void> {
  const file = cluster.metaFile;
  const metas = look.brokers.flatMap(({ id, serves, running, wanted }) => {
    const text = look.states.get(id)?.further.get(file) ?? "";
    const isPending = running !== noteOf(wanted);
    return text === "" ? [] : [{ id, meta: readProperties(text), serves, isPending }];
  });
  const pending = metas.filter(({ isPending }) => isPending);
  if (pending.length === 0) {
    return;
  }
  const ids = new Set(metas.map(({ meta }) => meta.get("cluster.id")));
  const isSure = ids.size === 1 && metas.some(({ serves }) => serves);
  const clusterId = isSure ? [...ids][0] : await clusterIdOf(cluster);
  for (const { id, meta } of pending) {
    const { name } = cluster.broker(id).connection;
    const fault = identityFault(file, id, clusterId, meta);
    if (fault !== undefined) {
      throw new Error(`${name}: ${fault}`);
    }
  }
}

/** Returns the error in a broker's `meta.properties`; undefined if there is none. */
export function identityFault(
  file: string,
  id: number,
  clusterId: string | undefined,
  meta: ReadonlyMap<string, string>,
): string | undefined {
  const [ownId, ownCluster] = [meta.get("broker.id") ?? "", meta.get("cluster.id") ?? ""];
  if (ownId !== String(id)) {
    return (
      `${file}: broker.id must be ${id}; got "${ownId}". Either this volume is another broker's: attach ` +
      `the right one. Or the file is damaged: write the line broker.id=${id} into it.`
    );
  }
  if (clusterId !== undefined && ownCluster !== clusterId) {
    return (
      `${file}: cluster.id must be ${clusterId}; got "${ownCluster}". Either this volume is another ` +
      "cluster's: attach the right one. Or the file is damaged: write the line " +
      `cluster.id=${clusterId} into it.`
    );
  }
  return undefined;
}

/**
 * Reads the cluster's id from ZooKeeper. Returns undefined while ZooKeeper is down. In that case the
 * broker itself compares the id when it starts.
 */
async function clusterIdOf({ first, wish }: KafkaCluster): Promise<string | undefined> {
  const argv = [`${KAFKA_HOME}/bin/zookeeper-shell.sh`, wish.zookeeper.join(",")];
  const answer = await first
    .exec([...argv, "get", "/cluster/id"], { seconds: ZOOKEEPER_SECONDS })
    .catch(() => "");
  return /"id":"([^"]*)"/.exec(answer)?.[1];
}

/** Validates the settings of the last pending broker with the tools of the wanted release. */
async function checkConfig(cluster: KafkaCluster, { brokers }: ClusterLook): Promise<void> {
  const pending = brokers.filter(({ running, wanted }) => running !== noteOf(wanted)).at(-1);
  if (!cluster.wish.hasUserKeys || pending === undefined) {
    return;
  }
  const { connection, wanted }: Broker = cluster.broker(pending.id);
  await connection.script(
    ["kafka-check.sh", "kafka-judge.sh"],
    { DIRECTORY: wanted.release, CONFIG: wanted.config },
    { seconds: CONFIG_SECONDS },
  );
}
