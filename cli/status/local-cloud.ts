import type { RecordOf } from "../../local-cloud/aws/kind";
import * as kinds from "../../local-cloud/aws/kinds";
import { living, nameOf } from "../../local-cloud/aws/records";
import { isStopped, vpcModel } from "../../local-cloud/aws/vpc-model";
import { isFromBeforeRestart, vpcHealth, type VpcHealth } from "../../local-cloud/machine/health";
import { instanceRuns } from "../../local-cloud/machine/instance";
import { readState, type StoredResource } from "../../local-cloud/machine/store";

/** The power state of a host. `paused` means that the program stopped it. */
export type Power = "running" | "stopped" | "paused";

/** The state of a stack in the local cloud. */
export interface LocalCloudStatus {
  /** Whether the machine was restarted, so that no host runs. */
  restarted: boolean;
  /** By name. */
  hosts: { [name: string]: Power };
  /** By name. */
  networks: { [name: string]: VpcHealth };
}

/** Checks the local cloud's records, the kernel, and each network's DNS and connection to the outside. */
export async function localCloudStatus(stack: string): Promise<LocalCloudStatus> {
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

function powerOf(record: RecordOf<typeof kinds.instance>): Power {
  if (instanceRuns(record.id)) {
    return "running";
  }
  return isStopped(record) ? "paused" : "stopped";
}
