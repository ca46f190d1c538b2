import { messageOf } from "../../shared/message-of";
import { WaitError, waitFor } from "../../shared/wait";
import { RemoteError } from "../host";
import { report } from "../progress";
import { noteOf, type ServiceFiles } from "./files";
import type { ServiceNode } from "./node";

/** How long a cluster may take to be whole again after a restart. */
const WHOLE_SECONDS = 300;

/** The state of a restarted node and of its cluster. */
export interface RestartLook {
  /** Whether the node serves. */
  serves: boolean;
  /** Whether the node serves and its cluster is whole. */
  isWhole: boolean;
  /** Whether another node keeps the cluster from being whole. If so, this node keeps its new files. */
  isOtherDown: boolean;
  /** The state, for messages. */
  seen: string;
}

/** A restart of one node with new files. */
export interface Restart {
  node: ServiceNode;
  /** systemd unit without `.service`. */
  service: string;
  /** The new files. */
  files: ServiceFiles;
  /** The files that the node has now. */
  former: ServiceFiles | undefined;
  look: () => Promise<RestartLook>;
}

/**
 * Restarts a node with new files and waits until its cluster is whole again.
 *
 * If the service exits twice, or the cluster is not whole in time, this function restores the former
 * files, because after a failed run Pulumi assumes that the node is unchanged.
 *
 * @throws Error with the log of the service, after the former files are restored.
 */
export async function restartOrPutBack(restart: Restart): Promise<void> {
  const { node, service, files } = restart;
  await node.write(files);
  const fault = (await restartFault(node)) ?? (await waitForWhole(restart));
  if (fault === undefined) {
    return;
  }
  const log = await node.log().catch(messageOf);
  const { host } = node;
  const what = `${host.name}: ${service} not back with its new configuration: ${fault}`;
  const remedy = `Correct the settings and run up again; the log of the new one: ${log}`;
  if (restart.former === undefined || noteOf(restart.former) === noteOf(files)) {
    throw new Error(`${what}. No further node was touched. ${remedy}`);
  }
  await putBack(restart, restart.former, log);
  throw new Error(
    `${what}. It runs with the former one again, and no further node was touched. ${remedy}`,
  );
}

/** Returns the reason of systemd if it cannot restart the service. */
async function restartFault(node: ServiceNode): Promise<string | undefined> {
  try {
    await node.restart();
    return undefined;
  } catch (error) {
    if (error instanceof RemoteError) {
      return error.message;
    }
    throw error;
  }
}

/** Returns why the former files must be restored; undefined if the cluster is whole. */
async function waitForWhole(restart: Restart): Promise<string | undefined> {
  const { node, service, look } = restart;
  let last: RestartLook | undefined;
  try {
    return await waitFor<string | undefined>(
      {
        what: `${node.host.name}: cluster`,
        state: `whole since ${service} was restarted here`,
        seconds: WHOLE_SECONDS,
        logs: `journalctl -u ${service}`,
      },
      async () => {
        last = await look();
        if (last.isWhole) {
          return { done: undefined };
        }
        return !last.serves && (await hasEndedTwice(node))
          ? { done: "it ended twice" }
          : { seen: last.seen };
      },
    );
  } catch (error) {
    if (!(error instanceof WaitError) || last === undefined || last.isOtherDown) {
      throw error;
    }
    return `the cluster was not whole after ${WHOLE_SECONDS} s, last saw ${error.seen}`;
  }
}

/**
 * Whether the service exited twice since its restart. After an exit, systemd waits before it restarts the
 * service, so the second exit may show before the second automatic restart.
 */
async function hasEndedTwice(node: ServiceNode): Promise<boolean> {
  // A busy host may not answer. The caller then asks again. An error here would end the wait and leave
  // the former files unrestored.
  const state = await node.state().catch(() => undefined);
  return state !== undefined && (state.restarts >= 2 || (state.restarts >= 1 && state.restarting));
}

async function putBack(
  { node, service, look }: Restart,
  former: ServiceFiles,
  log: string,
): Promise<void> {
  report(`${node.host.name}: ${service} gets its former configuration back`);
  await node.write(former);
  await node.restart();
  await waitFor(
    {
      what: `${node.host.name}: ${service}`,
      state: `back with its former configuration either; the log of the new one: ${log}`,
      seconds: WHOLE_SECONDS,
      logs: `journalctl -u ${service}`,
    },
    async () => {
      const { isWhole, seen } = await look();
      return isWhole ? { done: undefined } : { seen };
    },
  );
}
