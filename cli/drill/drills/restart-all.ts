import { despiteErrors, waitFor } from "../../../shared/wait";
import type { Drill } from "../drill";

const BOOT_SECONDS = 120;
/** Prints an id that changes with each boot of a host. */
const BOOT_ID = "cat /proc/sys/kernel/random/boot_id";

/** Shows that clients that retry lose nothing when the whole cluster restarts. */
export const restartAll: Drill = {
  name: "restart-all",
  what: "restart all hosts at once",
  async run(scene) {
    const { lab, load } = scene;
    const boots = () => Promise.all(lab.hosts.map((host) => host.run(BOOT_ID)));
    const before = await boots();
    scene.fault();
    // The connection may end before the command does.
    await Promise.all(
      lab.hosts.map((host) => host.run("sudo -n systemctl reboot").catch(() => "")),
    );
    await waitFor(
      { what: "the hosts", state: "booted again", seconds: BOOT_SECONDS },
      despiteErrors(async () => {
        const left = (await boots()).filter((id, index) => id === before[index]);
        return left.length === 0
          ? { done: true }
          : { seen: `${left.length} that had not gone down` };
      }),
    );
    await scene.whole();
    await load.resume();
  },
};
