import { stopInstance } from "../../../local-cloud/machine/instance";
import type { Drill } from "../drill";

/** Shows that a broker keeps its data when its host loses power. */
export const powerOff: Drill = {
  name: "power-off",
  what: "power off a broker's host, without a shutdown, and start it with npm run up",
  localOnly: "it ends the processes of a host on this machine",
  runsUp: true,
  async run(scene) {
    const { lab, loadHost, victim } = scene;
    const id = lab.instanceId(victim);
    let on = false;
    scene.atEnd(async () => {
      if (!on) {
        await lab.up().succeeded();
        await lab.findHosts();
      }
    });
    scene.fault();
    await stopInstance(id, true);
    const up = scene.up().succeeded();
    // `up` does more than start the host. Until it ends, SSH does not know the host's new address.
    await Promise.all([up, scene.whole(loadHost)]);
    await lab.findHosts();
    on = true;
  },
};
