import { join } from "node:path";
import { attachedVolumes } from "../../local-cloud/aws/power";
import * as kinds from "../../local-cloud/aws/kinds";
import { living, nameOf } from "../../local-cloud/aws/records";
import { freezePoints, type FreezePoints } from "../../local-cloud/machine/freeze";
import { instanceRuns } from "../../local-cloud/machine/instance";
import type { State } from "../../local-cloud/machine/store";
import { Refusal } from "../lib/refusal";

/** The names of the hosts. */
export const hostNames = (state: State) => living(state, kinds.instance).map(nameOf).sort();

/** The ids of an instance's volumes. */
export const volumeIdsOf = (instanceId: string) =>
  attachedVolumes(instanceId).map(({ volumeId }) => volumeId);

/** The disks of a lab, relative to the local cloud's directory. */
export function disksOf(state: State): string[] {
  return [
    ...living(state, kinds.instance).map(({ id }) => join("instances", id, "upper")),
    ...living(state, kinds.volume).map(({ id }) => join("volumes", `${id}.img`)),
  ];
}

/** The parts of all running hosts to freeze while the disks are copied. */
export async function freezePointsOf(state: State): Promise<FreezePoints[]> {
  const running = living(state, kinds.instance).filter(({ id }) => instanceRuns(id));
  return Promise.all(
    running.map(async (record) => {
      const points = await freezePoints(record.id, volumeIdsOf(record.id));
      if (points) {
        return points;
      }
      throw new Refusal(
        `the host ${nameOf(record)} is booting or shutting down.`,
        "Wait until it is done: npm run status",
      );
    }),
  );
}
