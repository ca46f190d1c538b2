/*
 * Decides which nodes the operator starts or restarts next. Pure functions: the caller reads the state,
 * asks for a step, performs it, and reads the state again. So a run can continue after an earlier run
 * was killed.
 */

/** The state of a node that the roll depends on. */
export interface RollNode {
  /** `myid` */
  id: number;
  /** Whether the running process was started with the wanted files. */
  isCurrent: boolean;
  /** Whether it serves. */
  serves: boolean;
  /** Whether the systemd unit is active. A running node that does not serve yet may serve soon. */
  isActive: boolean;
}

/** The next step. */
export type RollStep =
  /** Wait: running nodes may serve soon. */
  | { do: "wait" }
  /** Write the files of nodes that do not serve, and start these nodes in parallel. */
  | { do: "start"; ids: number[] }
  /** Restart one node while the ensemble is whole. */
  | { do: "restart"; id: number };

/**
 * Returns the next step of a rolling change; undefined when every node runs with its wanted files.
 *
 * Nodes that do not serve start first. Starting them interrupts no client, and the wanted files may
 * repair them. A running node gets some time to serve before it counts as down, because it may be busy
 * or in an election. Then the other nodes restart one by one, from the last to the first. The leader
 * restarts after all others, so that the ensemble elects a leader only once.
 *
 * @param leader Id of the leader.
 * @param isPatient Whether running nodes still have time to serve.
 */
export function nextRollStep(
  nodes: readonly RollNode[],
  leader: number | undefined,
  isPatient: boolean,
): RollStep | undefined {
  const pending = nodes.filter(({ isCurrent }) => !isCurrent);
  const down = pending.filter(({ serves }) => !serves);
  if (down.length > 0) {
    const ids = down.filter(({ isActive }) => !isPatient || !isActive).map(({ id }) => id);
    return ids.length === 0 ? { do: "wait" } : { do: "start", ids };
  }
  const [next] = [...pending].sort(
    (one, other) => Number(one.id === leader) - Number(other.id === leader) || other.id - one.id,
  );
  return next && { do: "restart", id: next.id };
}

/** Returns the steps of a roll, one line each, assuming that every step succeeds. */
export function describeRoll(nodes: readonly RollNode[], leader: number | undefined): string[] {
  const lines: string[] = [];
  let present = nodes;
  const next = () => nextRollStep(present, leader, false);
  for (let step = next(); step !== undefined; step = next()) {
    const changed = step.do === "start" ? step.ids : step.do === "restart" ? [step.id] : [];
    lines.push(`${step.do} node ${changed.join(", ")}`);
    present = present.map((node) =>
      changed.includes(node.id) ? { ...node, isCurrent: true, serves: true, isActive: true } : node,
    );
  }
  return lines;
}
