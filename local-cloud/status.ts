/**
 * Prints how the local cloud's part of a stack is, as JSON: see {@link Status}.
 *
 *   tsx local-cloud/status.ts STACK
 */
import type { RecordOf } from "./aws/kind";
import * as kinds from "./aws/kinds";
import { living, nameOf } from "./aws/records";
import { isStopped, vpcModel } from "./aws/vpc-model";
import { isFromBeforeRestart, vpcHealth, type VpcHealth } from "./machine/health";
import { instanceRuns } from "./machine/instance";
import { readState, type StoredResource } from "./machine/store";

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
  const isOwn = ({ urn }: StoredResource) => urn.startsWith(`urn:pulumi:${stack}::`);
  const vpcs = living(state, kinds.vpc).filter(isOwn);
  const networks = await Promise.all(
    vpcs.map(async (record) => {
      const model = vpcModel(state, record.id);
      return model ? [[nameOf(record), await vpcHealth(model)] as const] : [];
    }),
  );
  const hosts = living(state, kinds.instance)
    .filter(isOwn)
    .map((record) => [nameOf(record), powerOf(record)] as const);
  return {
    restarted:
      vpcs.some(({ id }) => isFromBeforeRestart(id)) && !hosts.some(([, is]) => is === "running"),
    hosts: Object.fromEntries(hosts),
    networks: Object.fromEntries(networks.flat()),
  };
}

function powerOf(record: RecordOf<typeof kinds.instance>) {
  if (instanceRuns(record.id)) {
    return "running";
  }
  return isStopped(record) ? "paused" : "stopped";
}

status(process.argv[2] ?? "local").then(
  (found) => console.log(JSON.stringify(found)),
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
