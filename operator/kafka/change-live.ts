import { messageOf } from "../../shared/message-of";
import { settleAll } from "../../shared/settle-all";
import { report } from "../progress";
import { tool, ToolError } from "./client";
import type { Broker, ClusterLook, KafkaCluster } from "./cluster";
import { type Configs, readConfigs } from "./configs";
import { LIVE_NOTE, type LiveChange, liveChange } from "./live";
import { finishMove } from "./move";
import type { FileChange } from "./roll";

/** New files for a broker, and the keys that the broker changes while it runs. */
type KeyChange = FileChange & { keys: string[] };

/**
 * Changes keys of running brokers without a restart. The first broker changes alone. If it accepts the
 * change, the other brokers follow in parallel.
 *
 * @returns Ids of the brokers that rejected the change. They keep their former files.
 */
export async function changeLive(
  cluster: KafkaCluster,
  look: ClusterLook,
  changes: readonly KeyChange[],
): Promise<number[]> {
  const [first, ...others] = changes;
  if (first === undefined) {
    return [];
  }
  const configs = await describe(
    cluster,
    changes.map(({ broker }) => broker),
  );
  if (!(await change(first))) {
    return [first.broker];
  }
  const taken = await settleAll(others.map(change));
  return others.filter((_, at) => taken[at] === false).map(({ broker }) => broker);

  async function change({ broker: id, files, keys }: KeyChange): Promise<boolean> {
    const broker = cluster.broker(id);
    const { name } = broker.connection;
    await noteLive(look, broker, keys);
    // A key may name one of these files.
    await broker.node.writeSecrets(files);
    const fault = await tellAll(broker, configs.get(id), (known) => liveChange(files, keys, known));
    if (fault !== undefined) {
      report(`${name}: ${keys.join(" ")} not changed while kafka-server runs: ${fault}`);
      return false;
    }
    await broker.node.write(files);
    await broker.node.noteRunning();
    await writeNote(broker, notedKeys(look, id));
    report(`${name}: kafka-server runs on with the new ${keys.join(" ")}`);
    return true;
  }
}

/**
 * Records on a broker's host, before the broker restarts, which keys may have a dynamic value. So
 * {@link settleLive} finds these keys even if this run is killed.
 */
export async function noteLive(
  { states }: ClusterLook,
  broker: Broker,
  keys: readonly string[],
): Promise<void> {
  if (keys.length > 0) {
    await writeNote(broker, [...new Set([...notedKeys({ states }, broker.id), ...keys])]);
  }
}

async function writeNote({ connection }: Broker, keys: readonly string[]): Promise<void> {
  await connection.script(["put-file.sh"], { FILE: LIVE_NOTE, TEXT: keys.join(" ") });
}

/** Returns the keys that {@link noteLive} recorded. */
function notedKeys({ states }: Pick<ClusterLook, "states">, broker: number): string[] {
  const note = states.get(broker)?.further.get(LIVE_NOTE) ?? "";
  return note.split(/\s+/).filter((key) => key !== "");
}

/**
 * Deletes the dynamic values of restarted brokers, because they would override the brokers' files.
 *
 * @throws Error if a broker keeps a dynamic value. The record stays on the host, so the next run tries again.
 */
export async function settleLive(cluster: KafkaCluster, look: ClusterLook): Promise<void> {
  const noted = cluster.brokers.filter(({ id }) => notedKeys(look, id).length > 0);
  if (noted.length === 0) {
    return;
  }
  // The cluster is not whole before a move has finished.
  await finishMove(cluster);
  await cluster.awaitWhole();
  const configs = await describe(
    cluster,
    noted.map(({ id }) => id),
  );
  await settleAll(
    noted.map(async (broker) => {
      const keys = notedKeys(look, broker.id);
      const fault = await tellAll(broker, configs.get(broker.id), (known) => ({
        ...liveChange(broker.wanted, keys, known),
        fixed: [],
      }));
      if (fault !== undefined) {
        throw new Error(
          `${broker.connection.name}: ${keys.join(" ")}: the broker keeps what it was told while it ran: ${fault}. Run up again`,
        );
      }
      await writeNote(broker, []);
    }),
  );
}

/** Changes the keys of a running broker. Returns the reason for a failure; undefined if it succeeds. */
async function tellAll(
  broker: Broker,
  configs: Configs | undefined,
  changeOf: (configs: Configs) => LiveChange,
): Promise<string | undefined> {
  if (configs === undefined) {
    return "the broker does not tell its configuration";
  }
  const change = changeOf(configs);
  if (change.fixed.length > 0) {
    return "a value cannot be taken back";
  }
  return tell(broker, change).then(
    () => undefined,
    (error: unknown) => (error instanceof ToolError ? error.reason : messageOf(error)),
  );
}

/**
 * Reads the configuration of the given brokers. One run of Kafka's tool queries all brokers, but fails
 * if one of them does not answer. In that case the operator queries each broker separately and leaves
 * out the brokers that do not answer.
 */
async function describe(
  cluster: KafkaCluster,
  ids: readonly number[],
): Promise<Map<number, Configs>> {
  const ask = async (...entity: string[]) => {
    const args = ["--describe", "--all", "--entity-type", "brokers", ...entity];
    return readConfigs(await cluster.tool("kafka-configs.sh", args));
  };
  const found = await ask().catch(async (error: unknown) => {
    if (!(error instanceof ToolError)) {
      throw error;
    }
    const configs = new Map<string, Configs>();
    // One at a time: sshd allows ten sessions of a connection.
    for (const id of ids) {
      const own = await ask("--entity-name", String(id)).catch(() => []);
      [...own].forEach(([name, keys]) => configs.set(name, keys));
    }
    return configs;
  });
  return new Map(
    ids.flatMap((id) => {
      const configs = found.get(String(id));
      return configs === undefined ? [] : [[id, configs]];
    }),
  );
}

async function tell(
  { connection, server, id }: Broker,
  { set, remove }: LiveChange,
): Promise<void> {
  if (set.size === 0 && remove.length === 0) {
    return;
  }
  const lines = [...set].map(([key, value]) => `${key}=${value}\n`);
  await tool(
    connection,
    "kafka-configs.sh",
    [
      ...["--alter", "--entity-type", "brokers", "--entity-name", String(id)],
      ...(set.size > 0 ? ["--add-config-file", "/dev/stdin"] : []),
      ...(remove.length > 0 ? ["--delete-config", remove.join(",")] : []),
    ],
    { servers: [server], input: lines.join("") },
  );
}
