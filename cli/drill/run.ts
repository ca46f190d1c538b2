import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { messageOf } from "../../shared/message-of";
import type { Drill } from "./drill";
import { secondsBetween } from "./duration";
import type { DrillLab } from "./lab";
import { Load, type LoadReport } from "./load";
import { type Observations, Scene } from "./scene";
import { deleteTopic } from "./scripts";

/** The report of a drill. */
export interface DrillReport extends Partial<LoadReport> {
  drill: string;
  stack: string;
  /** ISO 8601. */
  began: string;
  /** The host that runs the load. `victim` is the host with the fault. */
  loadHost: string;
  victim: string;
  /** Time from the fault until all brokers are registered, replicas are in sync, and ZooKeeper is whole. */
  recoverySeconds?: number;
  /** Whether no message was lost, duplicated or out of order, and the lab is unchanged. */
  passed: boolean;
  observed: Observations;
  error?: string;
}

const PER_SECOND = 30;
const MAX_SECONDS = 600;
const FLOW_SECONDS = 60;
const AT_ONCE_SECONDS = 30;

/** The drill cannot run on this lab. */
export class NotPossible extends Error {}

/** Throws before any change if the lab does not meet the requirements of a drill. */
export async function check(drill: Drill, lab: DrillLab): Promise<void> {
  const { target, stack } = lab.access;
  if (target !== "local" && drill.localOnly !== undefined) {
    throw new NotPossible(
      `the drill ${drill.name} needs the local target, since ${drill.localOnly}; the stack ${stack} is on AWS`,
    );
  }
  if (lab.brokers.length < 3 || lab.zookeepers.length < 3) {
    throw new NotPossible(
      `a drill needs three brokers and three ZooKeepers, so that some survive; the stack ${stack} has ${lab.brokers.length} and ${lab.zookeepers.length}`,
    );
  }
  await lab.whole(AT_ONCE_SECONDS).catch((error: unknown) => {
    throw new NotPossible(`the lab must be whole before a drill: ${messageOf(error)}`);
  });
  if (drill.runsUp) {
    await lab.unchanged();
  }
}

/**
 * Runs a drill under load. Restores the lab in any case.
 *
 * @param interrupted Rejects if the drill must stop early.
 */
export async function runDrill(
  drill: Drill,
  lab: DrillLab,
  interrupted: Promise<never>,
): Promise<DrillReport> {
  const loadHost = lab.brokers[0]!;
  const victim = lab.brokers.at(-1)!;
  const topic = `drill-${drill.name}-${Date.now()}`;
  const report: DrillReport = {
    ...{ drill: drill.name, stack: lab.access.stack, began: new Date().toISOString() },
    ...{ loadHost: loadHost.name, victim: victim.name, passed: false, observed: {} },
  };
  const errors: string[] = [];
  const attempt = async (action: () => Promise<unknown>) => {
    try {
      await action();
    } catch (error) {
      errors.push(messageOf(error));
    }
  };
  let load: Load | undefined;
  let scene: Scene | undefined;
  const act = async () => {
    load = await Load.start(loadHost, {
      ...{ topic, partitions: lab.brokers.length, bootstrap: lab.bootstrap },
      ...{ perSecond: PER_SECOND, maxSeconds: MAX_SECONDS },
    });
    scene = new Scene(lab, load, loadHost, victim);
    report.observed = scene.observed;
    await drill.run(scene);
    if (scene.wholeAt === undefined) {
      await scene.whole();
    }
    report.recoverySeconds = secondsBetween(scene.faultAt!, scene.wholeAt!);
    await load.flows(FLOW_SECONDS);
    Object.assign(report, await load.stop());
    load = undefined;
  };
  await attempt(() => Promise.race([act(), interrupted]));
  await attempt(async () => scene?.undo());
  await attempt(async () => load?.abandon());
  await attempt(() => lab.whole());
  await attempt(() => loadHost.run(deleteTopic(lab.bootstrap, topic)));
  if (errors.length > 0) {
    report.error = errors.join("; ");
  }
  report.passed =
    errors.length === 0 && report.lost === 0 && report.duplicated === 0 && report.outOfOrder === 0;
  return report;
}

/** Formats the report as one line. */
export function line(report: DrillReport): string {
  const { acknowledged, failed, lost, duplicated, outOfOrder, recoverySeconds } = report;
  const parts: string[] = [];
  if (acknowledged !== undefined) {
    const pauses = [report.longestPauseMs, report.longestPartitionPauseMs].map(
      (ms = 0) => `${(ms / 1000).toFixed(1)} s`,
    );
    parts.push(
      `acknowledged ${acknowledged}, refused ${failed}, lost ${lost}, duplicated ${duplicated}, out of order ${outOfOrder}`,
      `longest pause ${pauses[0]}, of one partition ${pauses[1]}`,
    );
  }
  if (recoverySeconds !== undefined) {
    parts.push(`whole again after ${recoverySeconds.toFixed(1)} s`);
  }
  if (report.error !== undefined) {
    parts.push(report.error);
  }
  return `${report.passed ? "passed" : "FAILED"} ${report.drill}: ${parts.join("; ")}`;
}

/** Writes the report. Replaces the drill's former report. Returns the path. */
export function save(report: DrillReport, root: string): string {
  const file = join(root, ".lab/drill", report.stack, `${report.drill}.json`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
  return file;
}
