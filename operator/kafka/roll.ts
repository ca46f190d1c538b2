/*
 * Decides which brokers the operator changes next. Pure functions: the caller reads the state, asks for a
 * step, performs it, and reads the state again. So a run can continue after an earlier run was killed.
 */
import { changedKeys } from "../service/properties";
import { noteOf, type ServiceFiles } from "../service/files";
import { compareVersions, withProtocol } from "./protocol";

/** The current state of a broker, and its wanted files. */
export interface BrokerLook {
  id: number;
  /** Whether it serves clients, even if it is too busy to answer in time. */
  serves: boolean;
  /** Whether it serves, but answers too late or has a replica that is not in sync. */
  isSick: boolean;
  /** The files on its host; undefined if it was never configured. */
  files: ServiceFiles | undefined;
  /** The note of the files that the running process was started with; see {@link noteOf}. */
  running: string | undefined;
  /** Its current protocol; undefined if it was never configured. */
  protocol: string | undefined;
  wanted: ServiceFiles;
}

/** A broker and its new files. */
export interface FileChange {
  broker: number;
  files: ServiceFiles;
}

/** The next step. `liveKeys` are the changed keys that a running broker could also apply. */
export type RollStep =
  /** Write the files of brokers that do not serve, and start these brokers in parallel. */
  | { do: "start"; changes: (FileChange & { liveKeys: string[] })[] }
  /** Change brokers that can apply all of their changes while they run. */
  | { do: "change-live"; changes: (FileChange & { keys: string[] })[] }
  /** Restart one broker. */
  | { do: "restart"; change: FileChange; liveKeys: string[] };

/** The facts that determine how brokers change. */
export interface RollRules {
  /** Keys that a broker can change while it runs. */
  liveKeys: ReadonlySet<string>;
  /** Broker id of the controller, if there is one. */
  controller: number | undefined;
  /** Brokers that rejected a live change. */
  refused: ReadonlySet<number>;
  /** Brokers that this run started. They may take a while to serve. */
  started: ReadonlySet<number>;
}

/**
 * Returns the next step of a rolling change; undefined if there is none now. Then either every broker
 * runs with its wanted files, or a newer protocol must wait until started brokers serve.
 *
 * - Brokers that do not serve start first: starting them interrupts no client.
 * - Then come changes that need no restart.
 * - Restarts come one by one. Sick brokers restart first, because the change may repair them. The others
 *   follow from the last to the first. The controller restarts after all others, so that the cluster
 *   elects a controller only once.
 * - A newer protocol comes last, when every broker has all other changes.
 */
export function nextRollStep(
  brokers: readonly BrokerLook[],
  rules: RollRules,
): RollStep | undefined {
  const targets = targetsOf(brokers);
  const pending = brokers.filter(
    (broker) =>
      broker.running !== noteOf(targets(broker)) &&
      (broker.serves || !rules.started.has(broker.id)),
  );
  const down = pending.filter(({ serves }) => !serves);
  if (down.length > 0) {
    return {
      do: "start",
      changes: down.map((broker) => ({
        ...changeOf(broker, targets),
        liveKeys: liveKeysOf(broker),
      })),
    };
  }
  const live = pending.filter((broker) => !rules.refused.has(broker.id) && isLive(broker));
  if (live.length > 0) {
    const changes = live.map((broker) => ({ ...changeOf(broker, targets), keys: keysOf(broker) }));
    return { do: "change-live", changes: changes.sort((one, other) => other.broker - one.broker) };
  }
  const [next] = [...pending].sort(
    (one, other) =>
      Number(other.isSick) - Number(one.isSick) ||
      Number(one.id === rules.controller) - Number(other.id === rules.controller) ||
      other.id - one.id,
  );
  return (
    next && {
      do: "restart",
      change: changeOf(next, targets),
      liveKeys: liveKeysOf(next),
    }
  );

  function isLive({ files, running, ...broker }: BrokerLook): boolean {
    if (files === undefined || running !== noteOf(files)) {
      return false;
    }
    const target = targets({ files, running, ...broker });
    const keys = changedKeys(files.config, target.config);
    return (
      noteOf({ ...files, config: target.config }) === noteOf(target) &&
      keys.every((key) => rules.liveKeys.has(key))
    );
  }

  function liveKeysOf(broker: BrokerLook): string[] {
    return keysOf(broker).filter((key) => rules.liveKeys.has(key));
  }

  function keysOf(broker: BrokerLook): string[] {
    return changedKeys(broker.files?.config ?? "", targets(broker).config);
  }
}

function changeOf(broker: BrokerLook, targets: (broker: BrokerLook) => ServiceFiles): FileChange {
  return { broker: broker.id, files: targets(broker) };
}

/** Returns each broker's next files. They keep the current protocol until all brokers can change it. */
function targetsOf(brokers: readonly BrokerLook[]): (broker: BrokerLook) => ServiceFiles {
  const oldest = brokers
    .flatMap(({ protocol }) => (protocol === undefined ? [] : [protocol]))
    .sort(compareVersions)[0];
  const heldBack = ({ wanted, protocol = oldest }: BrokerLook) =>
    protocol === undefined ? wanted : withProtocol(wanted, protocol);
  const canRaise = brokers.every(
    (broker) =>
      broker.serves && [heldBack(broker), broker.wanted].map(noteOf).includes(broker.running ?? ""),
  );
  return canRaise ? ({ wanted }) => wanted : heldBack;
}
