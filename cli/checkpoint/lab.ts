import { join } from "node:path";
import { freezePoints, instanceRuns, type FreezePoints } from "../../local-cloud/machine/instance";
import { T } from "../../local-cloud/machine/model";
import { recordsOf, type Record, type State } from "../../local-cloud/machine/store";
import { attachedVolumes } from "../../local-cloud/aws/resources/instance";
import { Refusal } from "../lib/refusal";

/** The records of one type that are not on their way out. */
export const living = (state: State, type: string) =>
  recordsOf(state, type).filter((record) => !record.leaving);

export const nameOf = ({ id, inputs }: Record) =>
  ((inputs["tags"] ?? {}) as { Name?: string }).Name ?? id;

/** The names of the hosts. */
export const hostNames = (state: State) => living(state, T.instance).map(nameOf).sort();

export const volumeIdsOf = (instanceId: string) =>
  attachedVolumes(instanceId).map(({ volumeId }) => volumeId);

/** The disks of a lab, relative to the directory of its local cloud. */
export function disksOf(state: State): string[] {
  return [
    ...living(state, T.instance).map(({ id }) => join("instances", id, "upper")),
    ...living(state, T.volume).map(({ id }) => join("volumes", `${id}.img`)),
  ];
}

/** What must stand still for the disks to be copied: that of the hosts that are powered on. */
export async function freezePointsOf(state: State): Promise<FreezePoints[]> {
  const running = living(state, T.instance).filter(({ id }) => instanceRuns(id));
  return Promise.all(
    running.map(async (record) => {
      const points = await freezePoints(record.id, volumeIdsOf(record.id));
      if (points) return points;
      throw new Refusal(
        `the host ${nameOf(record)} is on its way up or down.`,
        "Wait until it is there: npm run status",
      );
    }),
  );
}
