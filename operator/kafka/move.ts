/*
 * Moves partitions when the number of brokers changes: away from brokers that leave, and to brokers that
 * have none. The current placement of the partitions determines the moves. The operator saves each move
 * in a file on the first broker's host, so that the next run can continue it.
 */
import { setTimeout as delay } from "node:timers/promises";
import { report } from "../progress";
import { type KafkaCluster } from "./cluster";
import { messageOf } from "../../shared/message-of";
import { waitFor } from "../../shared/wait";
import { metadata as ask } from "./client";
import { partitionName } from "./health";
import type { Metadata } from "./metadata";
import {
  deadHolders,
  movesOf,
  ownTopics,
  readReassignment,
  reassignmentJson,
  sizeFault,
  stillThere,
  unfinished,
} from "./moves";
import type { Assignment } from "./placement";

const NOTE = "/var/lib/kafkalab/move.json";
/**
 * The operator gives up if no partition finishes in this time. A shorter time cannot tell a slow move
 * from a stuck one.
 */
const STALL_SECONDS = 3600;
const PROGRESS_SECONDS = 10;
const INTERVAL_MS = 500;
/** How long a reassignment of somebody else may keep the limits in place. */
const VERIFY_SECONDS = 300;
const VERIFY_INTERVAL_MS = 2000;
/** The tool prints this when it removes the limits. Source: `clearBrokerLevelThrottles` in Kafka. */
const LIMITS_REMOVED = "Clearing broker-level throttles";
/** A further move covers topics that clients create during the first one. */
const MAX_MOVES = 3;

/** Moves partitions until all of them are in place, and waits until the cluster is whole. */
export async function movePartitions(cluster: KafkaCluster): Promise<Metadata> {
  const { wish } = cluster;
  const own = ownTopics(wish.smokeTopic, wish.replicationFactor);
  await finishMove(cluster);
  let found = await cluster.awaitWhole();
  const size = sizeFault(found, cluster.brokers.length);
  if (size !== undefined) {
    throw new Error(size);
  }
  for (let count = 0; ; count++) {
    const moves = movesOf(found, wish.brokers, own);
    const [next] = moves;
    if (next === undefined) {
      return found;
    }
    if (count === MAX_MOVES) {
      throw new Error(
        `partitions still to be moved after ${MAX_MOVES} moves; last saw ${next.topic} ${next.partition} ` +
          `${next.replicas.join(",")}. Make no topics meanwhile, and run up again`,
      );
    }
    await startMove(cluster, moves, found);
    await finishMove(cluster);
    found = await cluster.awaitWhole();
  }
}

async function startMove(
  cluster: KafkaCluster,
  moves: readonly Assignment[],
  found: Metadata,
): Promise<void> {
  const limit = cluster.wish.moveThrottleMiBps;
  const dead = deadHolders(found);
  await note(cluster, moves);
  report(
    `${cluster.first.name}: moving ${moves.length} partitions` +
      (dead.length === 0
        ? `, at most ${limit} MiB/s into and out of each broker`
        : ` with no limit, since brokers ${dead.join(",")} are down`),
  );
  // The tool sets the limit on each broker that holds replicas. It hangs if one of them is down.
  const throttle = dead.length === 0 ? ["--throttle", String(limit * 2 ** 20)] : [];
  await moveTool(cluster, "kafka-reassign-partitions.sh", ["--execute", ...throttle], moves);
}

/**
 * Finishes the saved move, if there is one. Waits until Kafka has moved the partitions, lets Kafka's tool
 * remove the limits, and makes the preferred replicas leaders. Cancels the move if it uses a broker that
 * is no longer wanted, because that broker may no longer exist.
 */
export async function finishMove(cluster: KafkaCluster): Promise<void> {
  let moves = await noted(cluster);
  if (moves === undefined) {
    return;
  }
  if (moves.some(({ replicas }) => replicas.some((id) => !cluster.ids.includes(id)))) {
    await cancelMove(cluster, moves);
    return;
  }
  moves = await awaitMoves(cluster, moves);
  if (moves.length > 0) {
    await awaitVerified(cluster, moves);
    await electPreferred(cluster, moves);
  }
  await note(cluster, undefined);
}

/**
 * Waits until Kafka's tool has removed the limits. It does so once no partition of the cluster is being
 * reassigned, by whomever.
 */
async function awaitVerified(cluster: KafkaCluster, moves: readonly Assignment[]): Promise<void> {
  await waitFor(
    {
      what: "partitions",
      state: "moved",
      seconds: VERIFY_SECONDS,
      intervalMs: VERIFY_INTERVAL_MS,
      logs: "journalctl -u kafka-server on each broker",
    },
    async () => {
      const answer = await moveTool(cluster, "kafka-reassign-partitions.sh", ["--verify"], moves);
      return answer.includes(LIMITS_REMOVED)
        ? { done: undefined }
        : { seen: `limits that remain${await cluster.describeReassigned()}` };
    },
  );
}

/** Makes the preferred replicas leaders where they are in sync. A failure costs only the balance. */
async function electPreferred(cluster: KafkaCluster, moves: readonly Assignment[]): Promise<void> {
  const { partitions } = await ask(cluster.first, cluster.bootstrap);
  const able = new Set(
    partitions
      .filter(({ replicas: [first], inSync }) => first !== undefined && inSync.includes(first))
      .map(partitionName),
  );
  const elected = moves.filter((move) => able.has(partitionName(move)));
  if (elected.length === 0) {
    return;
  }
  const args = ["--election-type", "preferred"];
  await moveTool(cluster, "kafka-leader-election.sh", args, elected, "--path-to-json-file").catch(
    (error: unknown) => {
      report(`${cluster.first.name}: ${messageOf(error)}`);
    },
  );
}

async function cancelMove(cluster: KafkaCluster, moves: readonly Assignment[]): Promise<void> {
  report(`${cluster.first.name}: cancelling the move of ${moves.length} partitions`);
  const known = await ask(cluster.first, cluster.bootstrap);
  const there = remaining(cluster, moves, known);
  if (there.length > 0) {
    // The tool removes the limit on each broker that holds replicas. It hangs if one of them is down.
    const isOneDown = there.some(({ replicas }) =>
      replicas.some((id) => !known.brokers.includes(id)),
    );
    const throttle = isOneDown ? ["--preserve-throttles"] : [];
    await moveTool(cluster, "kafka-reassign-partitions.sh", ["--cancel", ...throttle], there);
    await endAdditions(cluster, there);
    if (isOneDown) {
      await removeLimits(cluster, known);
    }
  }
  await note(cluster, undefined);
}

/**
 * Ends the moves that only add replicas. `--cancel` skips them before Kafka 4.1. A move to the replicas
 * without the new ones ends at once.
 */
async function endAdditions(cluster: KafkaCluster, moves: readonly Assignment[]): Promise<void> {
  const names = new Set(moves.map(partitionName));
  const former = (await cluster.reassignments())
    .filter((each) => names.has(partitionName(each)))
    .map(({ topic, partition, replicas, adding }) => ({
      ...{ topic, partition },
      replicas: replicas.filter((id) => !adding.includes(id)),
    }));
  if (former.length > 0) {
    const args = ["--execute", "--additional"];
    await moveTool(cluster, "kafka-reassign-partitions.sh", args, former);
  }
}

/** Removes the limits on the registered brokers. */
async function removeLimits(cluster: KafkaCluster, { brokers }: Metadata): Promise<void> {
  const keys = ["leader", "follower"].map((role) => `${role}.replication.throttled.rate`);
  for (const id of brokers) {
    const entity = ["--entity-type", "brokers", "--entity-name", String(id)];
    await cluster
      .tool("kafka-configs.sh", ["--alter", ...entity, "--delete-config", keys.join(",")])
      .catch((error: unknown) => {
        // The tool rejects the removal of a key that is not set.
        if (!messageOf(error).includes("Invalid config(s)")) {
          throw error;
        }
      });
  }
}

/**
 * Returns the moves whose partitions still exist. A broker that has just started may know all brokers
 * later than it answers, and topics later still.
 */
function remaining(
  { ids }: KafkaCluster,
  moves: readonly Assignment[],
  known: Metadata,
): Assignment[] {
  const knowsAll = ids.every((id) => known.brokers.includes(id));
  return knowsAll ? stillThere(moves, known) : [...moves];
}

/** Waits until Kafka has finished all moves. Returns the moves of partitions that still exist. */
async function awaitMoves(
  cluster: KafkaCluster,
  wanted: readonly Assignment[],
): Promise<Assignment[]> {
  let moves = [...wanted];
  let left: number | undefined;
  let [changed, told] = [performance.now(), performance.now()];
  let fault = "";
  while (performance.now() - changed < STALL_SECONDS * 1000) {
    const found = await ask(cluster.first, cluster.bootstrap).catch(messageOf);
    fault = typeof found === "string" ? `; the last look failed: ${found}` : "";
    if (typeof found !== "string") {
      moves = remaining(cluster, moves, found);
      const now = unfinished(moves, found).length;
      if (now === 0) {
        return moves;
      }
      if (now !== left) {
        [left, changed] = [now, performance.now()];
      }
    }
    if (performance.now() - told >= PROGRESS_SECONDS * 1000) {
      report(
        `${cluster.first.name}: moving partitions: ${left ?? "an unknown number"} of ${moves.length} left${fault}`,
      );
      told = performance.now();
    }
    await delay(INTERVAL_MS);
  }
  throw new Error(
    `partitions not moved: not one in ${STALL_SECONDS} s; last saw ${left ?? "an unknown number"} left${fault}. Kafka ` +
      "goes on with them; run up again to wait for them; logs: journalctl -u kafka-server on each broker",
  );
}

async function moveTool(
  cluster: KafkaCluster,
  name: string,
  args: readonly string[],
  moves: readonly Assignment[],
  fileOption = "--reassignment-json-file",
): Promise<string> {
  try {
    return await cluster.tool(name, [...args, fileOption, "/dev/stdin"], reassignmentJson(moves));
  } catch (error) {
    throw new Error(
      `partitions not moved: ${name} has failed with ${messageOf(error)}. Run up again to go on; logs: ` +
        "journalctl -u kafka-server on each broker",
      { cause: error },
    );
  }
}

async function note(
  { first }: KafkaCluster,
  moves: readonly Assignment[] | undefined,
): Promise<void> {
  const text = moves === undefined ? "" : reassignmentJson(moves);
  await first.script(["put-file.sh"], { FILE: NOTE, TEXT: text });
}

async function noted({ first }: KafkaCluster): Promise<Assignment[] | undefined> {
  const text = await first.exec(["sudo", "-n", "sh", "-c", `cat ${NOTE} 2>/dev/null || true`]);
  return text === "" ? undefined : readReassignment(text);
}
