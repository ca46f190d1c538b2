import { existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { ThawedTooEarly, whileFrozen } from "../../local-cloud/machine/freeze";
import { cloudDir, stateDir } from "../../local-cloud/machine/paths";
import { run } from "../../shared/process";
import { readState } from "../../local-cloud/machine/store";
import { copyAll, sharesBlocks } from "./copy";
import { disksOf, freezePointsOf, hostNames } from "./lab";
import { human } from "../lib/output";
import { Refusal } from "../lib/refusal";
import { backendDir } from "../pulumi/backend";
import {
  checkName,
  checkpointDir,
  checkpoints,
  checkSpace,
  makePart,
  publish,
  refuseDuringExchange,
  removeParts,
  sizeOnDisk,
} from "./store";

/**
 * Maximum time for which hosts are frozen. ZooKeeper's followers leave a leader that is silent for 10 s
 * (syncLimit), and brokers lose their sessions after 18 s.
 */
const FROZEN_SECONDS = 8;

/** Saves the lab, and returns a report for the user. */
export async function save(name: string): Promise<string> {
  checkName(name);
  refuseDuringExchange();
  if (existsSync(checkpointDir(name))) {
    throw new Refusal(
      `Checkpoint "${name}" already exists.`,
      `Choose another name than ${checkpoints().map((c) => c.name).join(", ")}; or first: npm run checkpoint -- delete ${name}`, // prettier-ignore
    );
  }
  const state = readState();
  const hosts = hostNames(state);
  if (hosts.length === 0) {
    throw new Refusal(
      `there is no lab in ${stateDir}: there is nothing to save.`,
      "Make one with: npm run up",
    );
  }
  removeParts();
  const disks = disksOf(state);
  const part = makePart();
  try {
    if (!sharesBlocks(part)) {
      const bytes = disks.map((disk) => sizeOnDisk(join(cloudDir, disk))).reduce((a, b) => a + b);
      checkSpace(`Checkpoint "${name}"`, bytes);
    }
    const points = await freezePointsOf(state);
    // Sync first, so that little remains to be written while the hosts are frozen.
    await Promise.all(
      points.flatMap(({ mounts }) => mounts).map((path) => run(["sync", "--file-system", path])),
    );
    const { result: time, ms } = await whileFrozen(points, FROZEN_SECONDS, async (late) => {
      const now = new Date().toISOString();
      const copies = disks.map((disk) => ({
        from: join(cloudDir, disk),
        to: join(part, "cloud", disk),
      }));
      await copyAll(copies, late);
      return now;
    }).catch(tooLarge);
    await copyAll([
      { from: join(cloudDir, "state.json"), to: join(part, "cloud/state.json") },
      { from: join(backendDir, "stacks"), to: join(part, "pulumi/stacks") },
      { from: join(backendDir, "meta.yaml"), to: join(part, "pulumi/meta.yaml") },
    ]);
    await run(["sync", "--file-system", part]);
    publish(part, { format: 1, name, time, hosts });
    const size = human(sizeOnDisk(checkpointDir(name)));
    const still = points.length ? `; they were frozen for ${(ms / 1000).toFixed(1)} s` : "";
    return `saved ${hosts.length} hosts as "${name}", ${size} in ${dirname(checkpointDir(name))}${still}`;
  } catch (error) {
    rmSync(part, { recursive: true, force: true });
    throw error;
  } finally {
    removeParts();
  }
}

function tooLarge(error: unknown): never {
  if (!(error instanceof ThawedTooEarly)) {
    throw error;
  }
  throw new Refusal(
    `the disks must be copied within ${FROZEN_SECONDS} s, since ZooKeeper's sessions expire when hosts are frozen for longer; the copy took longer. Nothing was saved, and the hosts run.`,
    `Put ${stateDir} on XFS or Btrfs, which copy files of any size at once; or pause the lab (kafkalab:running false), save, and start it again.`,
  );
}
