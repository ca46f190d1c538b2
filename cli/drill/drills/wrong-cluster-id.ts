import type { Drill } from "../drill";
import type { DrillLab } from "../lab";
import { DIRECTORY, lasting } from "../scripts";

const META = "/data/kafka-logs/meta.properties";

/** Shows that a rolling restart stops before it restarts a broker that could not start again. */
export const wrongClusterId: Drill = {
  name: "wrong-cluster-id",
  what: "damage the cluster id on a broker's disk; a rolling restart stops before it",
  runsUp: true,
  async run(scene) {
    const { lab, victim } = scene;
    const file = await scene.settingsThatRoll();
    const before = await restartCount(lab);
    const damaged = victim.hold("the cluster id damaged", damageClusterId());
    scene.fault();
    await scene.hold(damaged);
    const up = scene.up(file);
    const status = await up.ended;
    const printed = up.lines.join("\n");
    const caught = /\S+: \S+meta\.properties: cluster\.id must be .*/.exec(printed)?.[0];
    const [, repair] = /write the line (cluster\.id=\S+) into it/.exec(caught ?? "") ?? [];
    if (status === 0 || caught === undefined || repair === undefined) {
      throw new Error(`the damage was to be caught; up ended with ${status}: ${up.lastSeen()}`);
    }
    scene.observed["caught"] = caught;
    scene.observed["brokersRestarted"] = (await restartCount(lab)) - before;
    await victim.asRoot(writeClusterId(repair));
    await scene.release(damaged);
  },
};

async function restartCount(lab: DrillLab): Promise<number> {
  return Object.values(await lab.starts()).reduce((sum, count) => sum + count, 0);
}

/** Writes another cluster id into `meta.properties` on the broker's disk. */
function damageClusterId(): string {
  return lasting(
    `
mkdir -p ${DIRECTORY}
cp -p ${META} ${DIRECTORY}/meta.properties
sed -i 's/^cluster\\.id=.*/cluster.id=damaged-by-a-drill/' ${META}`,
    `cmp -s ${DIRECTORY}/meta.properties ${META} || cp -p ${DIRECTORY}/meta.properties ${META}
  rm -rf ${DIRECTORY}`,
  );
}

/** Replaces the line with the cluster id. */
function writeClusterId(line: string): string {
  return `sed -i 's/^cluster\\.id=.*/${line}/' ${META} && cmp ${DIRECTORY}/meta.properties ${META}`;
}
