/*
 * Restarts one broker with new files, and restores the former files if the broker does not come back.
 */
import { type Look, WaitError, waitFor } from "../../shared/wait";
import type { ServiceFiles } from "../service/files";
import { type RestartLook, restartOrPutBack } from "../service/restart";
import { unavailableWithout } from "./availability";
import { type Broker, type KafkaCluster } from "./cluster";
import { answerOf } from "./whole";
import { type Configs, readConfigs } from "./configs";
import { describeHealth, type Excuses, healthOf, isOthersFault, isWhole, without } from "./health";
import type { Metadata } from "./metadata";
import { deadHolders } from "./moves";

const BACK_SECONDS = 300;
const ZOOKEEPER_PORT_SECONDS = 5;
const DEFAULT_MIN_IN_SYNC = 1;

/**
 * Waits until all partitions stay writable without the broker, and restarts the broker with new files.
 * Then waits until the cluster is whole again.
 *
 * @param former The files that the broker has now.
 * @param pending Ids of all brokers with a pending change. The operator does not wait for sick ones,
 *   because the change may repair them.
 * @throws Error if the broker does not come back, after its former files are restored.
 */
export async function restartBroker(
  cluster: KafkaCluster,
  broker: Broker,
  files: ServiceFiles,
  former: ServiceFiles | undefined,
  pending: readonly number[],
): Promise<void> {
  const excuses = await awaitDispensable(cluster, broker, pending);
  const service = cluster.wish.service.name;
  await restartOrPutBack({ node: broker.node, service, files, former, look });

  async function look(): Promise<RestartLook> {
    const answer = await answerOf(broker);
    if (typeof answer === "string") {
      return { serves: false, isWhole: false, isOtherDown: false, seen: answer };
    }
    const health = healthOf(answer, cluster.ids, excuses);
    return {
      serves: true,
      isWhole: isWhole(health),
      isOtherDown: isOthersFault(without(answer, excuses.moving), broker.id),
      seen: describeHealth(health),
    };
  }
}

/** What does not count when the operator judges the cluster after a restart. */
type RestartExcuses = Required<Excuses>;

/** Waits until the broker may stop. Returns what is wrong already, or moves. */
async function awaitDispensable(
  cluster: KafkaCluster,
  broker: Broker,
  pending: readonly number[],
): Promise<RestartExcuses> {
  await awaitZooKeeper(cluster, broker);
  let hasAnswer = false;
  const started = performance.now();
  const isLost = lostPartitions(cluster, broker);
  const wait = waitFor(
    {
      what: `${broker.connection.name}: kafka-server`,
      state: "restarted: the cluster was not whole",
      seconds: BACK_SECONDS,
      logs: "journalctl -u kafka-server on each broker",
    },
    async (): Promise<Look<RestartExcuses>> => {
      const asked = await firstThatAnswers(cluster, broker);
      const known = await answerOf(asked);
      if (typeof known === "string") {
        return { seen: known };
      }
      hasAnswer = true;
      const sick = await cluster.sickAmong([...new Set([broker.id, ...pending])], known);
      // A move may wait for a sick broker, so the broker does not wait for the move.
      const moving = new Set(sick.length === 0 ? [] : await cluster.reassigned());
      // `leaving` ignores replicas on stopped brokers that leave the cluster.
      const found = await cluster.judge({ sick, leaving: true, moving }, [asked]);
      if ("seen" in found) {
        return { seen: found.seen + (await cluster.describeReassigned(started)) };
      }
      const others = sick.filter((id) => id !== broker.id);
      const isWeak = others.length > 0 || moving.size > 0 || deadHolders(found.done).length > 0;
      const lost = isWeak ? await isLost(found.done) : [];
      return lost.length === 0
        ? { done: { sick: others, leaving: true, moving } }
        : { seen: `without broker ${broker.id}, too few replicas in sync of ${lost.join(",")}` };
    },
  );
  return wait.catch((error: unknown) => {
    // If no broker answers, a restart takes nothing away, and the change may help.
    if (error instanceof WaitError && !hasAnswer) {
      return { sick: [], leaving: true, moving: new Set<string>() };
    }
    throw error;
  });
}

/**
 * Returns the first other broker that answers, because this broker may be sick and have outdated
 * metadata. Returns this broker if no other broker answers.
 */
async function firstThatAnswers(cluster: KafkaCluster, broker: Broker): Promise<Broker> {
  for (const other of cluster.brokers) {
    if (other.id !== broker.id && typeof (await answerOf(other)) !== "string") {
      return other;
    }
  }
  return broker;
}

/** Waits until every ZooKeeper node in the broker's wanted configuration answers. */
async function awaitZooKeeper(cluster: KafkaCluster, { connection }: Broker): Promise<void> {
  await waitFor(
    {
      what: `${connection.name}: kafka-server`,
      state: "restarted: the cluster was not whole",
      seconds: BACK_SECONDS,
      logs: "journalctl -u zookeeper-server on each node",
    },
    async (): Promise<Look<true>> => {
      for (const server of cluster.wish.zookeeper) {
        const [host = "", port = ""] = server.split(":");
        const answer = await connection
          .ask(Number(port), "ruok", ZOOKEEPER_PORT_SECONDS, host)
          .catch(() => "");
        if (answer !== "imok") {
          return { seen: `ZooKeeper ${server} closed` };
        }
      }
      return { done: true };
    },
  );
}

/** Returns a function that finds the partitions which would reject writes while the broker is stopped. */
function lostPartitions(
  cluster: KafkaCluster,
  { id }: Broker,
): (known: Metadata) => Promise<string[]> {
  let configs: Promise<Map<string, Configs>> | undefined;
  return async ({ partitions }) => {
    configs ??= cluster
      .tool("kafka-configs.sh", ["--describe", "--all", "--entity-type", "topics"])
      .then(readConfigs);
    const known = await configs;
    return unavailableWithout(id, partitions, (topic) =>
      Number(known.get(topic)?.get("min.insync.replicas")?.value ?? DEFAULT_MIN_IN_SYNC),
    );
  };
}
