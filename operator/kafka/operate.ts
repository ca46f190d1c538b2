/*
 * Changes a Kafka cluster until it matches the wish: rolls the brokers, moves partitions, then sets
 * users, ACLs and quotas.
 */
import { settleAll } from "../../shared/settle-all";
import type { Hosts } from "../host";
import { report } from "../progress";
import { noteOf } from "../service/files";
import type { KafkaWish } from "../wish";
import { planAccess, settleAccess } from "./access/settle";
import { checkBrokers, checkCluster, checkListeners } from "./check";
import { type ClusterLook, KafkaCluster } from "./cluster";
import { changeLive, noteLive, settleLive } from "./change-live";
import { describeHealth, healthOf } from "./health";
import { finishMove, movePartitions } from "./move";
import type { Metadata } from "./metadata";
import { deadHolders, movesOf, ownTopics } from "./moves";
import { describeMoves, describeRolls } from "./plan";
import { PROTOCOL_NOTE } from "./protocol";
import { restartBroker } from "./restart";
import { ensureZnodeAcls } from "./znode-acls";
import { nextRollStep, type RollStep } from "./roll";
import { nextStage } from "./stages";

/** Changes the cluster until it matches the wish and is whole. */
export async function runKafka(wish: KafkaWish, hosts: Hosts): Promise<void> {
  const cluster = new KafkaCluster(wish, hosts);
  await settleAll(cluster.brokers.map(({ node }) => node.prepare()));
  let look = await cluster.look();
  const next = nextStage(wish, look);
  checkListeners(cluster, look, next);
  for (let stage = next; stage < wish.stages.length; stage++) {
    look = await roll(cluster.at(stage));
    await settleZnodeAcls(cluster.at(stage));
  }
  const found = await movePartitions(cluster);
  await settleAccess(cluster, look);
  await forgetSecrets(cluster, look.states);
  report(`Kafka: ${describeHealth(healthOf(found, cluster.ids, { leaving: true }))}`);
}

/**
 * Returns the steps that {@link runKafka} would take, one line each. Changes nothing.
 *
 * @throws Error if the operator would reject the wish.
 */
export async function planKafka(wish: KafkaWish, hosts: Hosts): Promise<string[]> {
  const cluster = new KafkaCluster(wish, hosts);
  const look = await cluster.look();
  const next = nextStage(wish, look);
  checkListeners(cluster, look, next);
  await checkCluster(cluster, look);
  const { metadata, brokers } = look;
  const own = ownTopics(wish.smokeTopic, wish.replicationFactor);
  const rules = { liveKeys: new Set(wish.liveKeys), controller: metadata?.controller };
  const stages = wish.stages.map((_, stage) =>
    cluster.at(stage).brokers.map(({ wanted }) => wanted),
  );
  return [
    ...describeRolls(brokers, stages.slice(next), rules),
    ...describeMoves(metadata === undefined ? [] : movesOf(metadata, wish.brokers, own)),
    ...(await planAccess(cluster, look)),
  ];
}

/** What this run has done so far. */
interface Run {
  /** Brokers that rejected a live change. */
  refused: Set<number>;
  /** Brokers that this run started. */
  started: Set<number>;
  /** Whether this run has already finished the move that an earlier run left. */
  isMoveFinished: boolean;
}

/** Starts and restarts brokers until all run with their wanted files. Returns the last look. */
async function roll(cluster: KafkaCluster): Promise<ClusterLook> {
  const run: Run = { refused: new Set(), started: new Set(), isMoveFinished: false };
  let isChecked = false;
  for (;;) {
    const look = await cluster.look();
    if (!isChecked) {
      await checkBrokers(cluster, look);
      isChecked = true;
    }
    const step = nextRollStep(look.brokers, {
      ...run,
      liveKeys: new Set(cluster.wish.liveKeys),
      controller: look.metadata?.controller,
    });
    if (step !== undefined) {
      await perform(cluster, look, step, run);
    } else if (pendingBrokers(look).length === 0) {
      await correctFiles(cluster, look);
      await settleLive(cluster, look);
      return look;
    } else {
      // Started brokers do not serve yet. The newer protocol must wait for all brokers.
      await finishMove(cluster);
      await cluster.awaitWhole();
    }
  }
}

/**
 * Corrects the files on the hosts. Every broker already runs with its wanted files, but its host may have
 * other files or no note of the protocol. This happens if an earlier run was killed before it restarted
 * the broker, or if the broker started together with a new host.
 */
async function correctFiles(cluster: KafkaCluster, { states }: ClusterLook): Promise<void> {
  const wrong = cluster.brokers.filter(({ id, wanted }) => {
    const state = states.get(id);
    return state?.written !== noteOf(wanted) || !state.further.has(PROTOCOL_NOTE);
  });
  await settleAll(wrong.map(({ node, wanted }) => node.write(wanted)));
}

/** Changes who may write Kafka's znodes, if that belongs to the stage that all brokers have reached. */
async function settleZnodeAcls(cluster: KafkaCluster): Promise<void> {
  const wanted = cluster.wish.stages[cluster.stage]?.znodeAcls;
  const paths = Object.keys(cluster.brokers[0]?.wanted.secrets ?? {});
  const jaasFile = paths.find((path) => cluster.brokers[0]?.wanted.unit.includes(path));
  if (wanted !== undefined && jaasFile !== undefined) {
    await ensureZnodeAcls(cluster, wanted, jaasFile);
  }
}

/** Removes the secrets of former files. */
async function forgetSecrets(cluster: KafkaCluster, states: ClusterLook["states"]): Promise<void> {
  await settleAll(
    cluster.brokers.map(async ({ id, node, wanted }) => {
      const state = states.get(id);
      if (state !== undefined) {
        await node.forgetSecrets(state, wanted);
      }
    }),
  );
}

/** Ids of the brokers that do not run with their wanted files. */
function pendingBrokers({ brokers }: ClusterLook): number[] {
  return brokers.filter(({ running, wanted }) => running !== noteOf(wanted)).map(({ id }) => id);
}

async function perform(
  cluster: KafkaCluster,
  look: ClusterLook,
  step: RollStep,
  run: Run,
): Promise<void> {
  switch (step.do) {
    case "start":
      await settleAll(
        step.changes.map(async ({ broker: id, files, liveKeys }) => {
          const broker = cluster.broker(id);
          await noteLive(look, broker, liveKeys);
          await broker.node.write(files);
          await broker.node.start();
          run.started.add(id);
        }),
      );
      return;
    case "change-live":
      for (const id of await changeLive(cluster, look, step.changes)) {
        run.refused.add(id);
      }
      return;
    case "restart": {
      const broker = cluster.broker(step.change.broker);
      const now = look.brokers.find(({ id }) => id === broker.id);
      // The cluster is not whole before the move has finished. But the move may wait for a sick broker,
      // so a sick broker restarts first.
      const known = look.metadata;
      const isSick = known && (await cluster.sickAmong([broker.id], known)).length > 0;
      if (!run.isMoveFinished && isSick !== true) {
        run.isMoveFinished = true;
        await (known !== undefined && (await holdsLeaver(cluster, known))
          ? movePartitions(cluster)
          : finishMove(cluster));
        return;
      }
      await noteLive(look, broker, step.liveKeys);
      await restartBroker(cluster, broker, step.change.files, now?.files, pendingBrokers(look));
    }
  }
}

/**
 * Whether a broker that leaves is down and has replicas, while all other brokers are well. Then
 * partitions move before the roll: without them on other brokers, too few replicas may be in sync for
 * any restart.
 */
async function holdsLeaver(cluster: KafkaCluster, known: Metadata): Promise<boolean> {
  const dead = deadHolders(known);
  return (
    dead.length > 0 &&
    dead.every((id) => !cluster.ids.includes(id)) &&
    (await cluster.sickAmong(cluster.ids, known)).length === 0
  );
}
