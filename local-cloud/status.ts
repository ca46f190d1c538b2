/**
 * Prints how the local cloud's part of a stack is, as JSON: see {@link Status}.
 *
 *   tsx local-cloud/status.ts STACK
 */
import { isFromBeforeRestart, vpcHealth, type VpcHealth } from "./machine/health";
import { instanceRuns } from "./machine/instance";
import { isStopped, T, vpcModel } from "./machine/model";
import { readState, recordsOf, type Record } from "./machine/store";

export interface Status {
  /** Whether the machine was restarted since, so that no host runs. */
  restarted: boolean;
  /** By name: whether it is powered on; `paused` if it is off because the program wants it so. */
  hosts: { [name: string]: "running" | "stopped" | "paused" };
  /** By name. */
  networks: { [name: string]: VpcHealth };
}

async function status(stack: string): Promise<Status> {
  const state = readState();
  const own = (type: string) =>
    recordsOf(state, type).filter(
      (record) => !record.leaving && record.urn.startsWith(`urn:pulumi:${stack}::`),
    );
  const vpcs = own(T.vpc);
  const power = (record: Record) => {
    if (instanceRuns(record.id)) return "running";
    return isStopped(record) ? "paused" : "stopped";
  };
  const networks = await Promise.all(
    vpcs.map(async (record) => {
      const model = vpcModel(state, record.id);
      return model ? [[nameOf(record), await vpcHealth(model)] as const] : [];
    }),
  );
  const hosts = own(T.instance).map((record) => [nameOf(record), power(record)] as const);
  return {
    restarted:
      vpcs.some(({ id }) => isFromBeforeRestart(id)) && !hosts.some(([, is]) => is === "running"),
    hosts: Object.fromEntries(hosts),
    networks: Object.fromEntries(networks.flat()),
  };
}

const nameOf = ({ id, inputs }: Record) => ((inputs["tags"] ?? {}) as { Name?: string }).Name ?? id;

status(process.argv[2] ?? "local").then(
  (found) => console.log(JSON.stringify(found)),
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
