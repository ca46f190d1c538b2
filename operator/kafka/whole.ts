import { itemAt } from "../../shared/item-at";
import { messageOf } from "../../shared/message-of";
import type { Look } from "../../shared/wait";
import type { RemoteHost } from "../host";
import { metadata } from "./client";
import { describeHealth, type Excuses, healthOf, isWhole } from "./health";
import type { Metadata } from "./metadata";

/** A broker and the connection to its host. */
export interface AskedBroker {
  /** `host:port` */
  server: string;
  connection: RemoteHost;
}

/** Returns a broker's metadata, or the reason why the broker does not answer. */
export async function answerOf(broker: AskedBroker): Promise<Metadata | string> {
  const { connection, server } = broker;
  try {
    // kcat retries a closed port for 8 s, so check the port first.
    return (await isOpen(broker)) ? await metadata(connection, [server]) : "its port is closed";
  } catch (error) {
    return messageOf(error);
  }
}

/** Whether something listens on a broker's port. */
export function isOpen({ connection, server }: AskedBroker): Promise<boolean> {
  return connection.isOpen(Number(server.split(":").at(-1)));
}

/**
 * Checks that all given brokers report a whole cluster and the same partitions.
 *
 * @param ids Ids of the brokers that must be registered.
 */
export async function judgeCluster(
  asked: readonly AskedBroker[],
  ids: readonly number[],
  excuses: Excuses,
): Promise<Look<Metadata>> {
  const answers = await Promise.all(asked.map(answerOf));
  let first: Metadata | undefined;
  for (const [index, answer] of answers.entries()) {
    const { server } = itemAt(asked, index);
    if (typeof answer === "string") {
      return { seen: `${server}: ${answer}` };
    }
    const health = healthOf(answer, ids, excuses);
    if (!isWhole(health)) {
      return { seen: `${server}: ${describeHealth(health)}` };
    }
    first ??= answer;
    if (JSON.stringify(answer.partitions) !== JSON.stringify(first.partitions)) {
      const other = itemAt(asked, 0).server;
      return { seen: `leaders and replicas that ${server} and ${other} know differ` };
    }
  }
  if (first === undefined) {
    throw new Error("no broker was asked");
  }
  return { done: first };
}
