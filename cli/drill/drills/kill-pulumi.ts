import { waitFor } from "../../../shared/wait";
import type { Drill } from "../drill";

const UP_SECONDS = 420;

/** Shows that the next `up` continues a rolling restart and restarts no broker twice. */
export const killPulumi: Drill = {
  name: "kill-pulumi",
  what: "kill -9 Pulumi in the middle of a rolling restart, and run npm run up again",
  runsUp: true,
  async run(scene) {
    const { lab } = scene;
    const file = await scene.settingsThatRoll();
    const before = await lab.starts();
    const killed = scene.up(file);
    await waitFor({ what: "the roll", state: "at its second broker", seconds: UP_SECONDS }, () => {
      const restarted = killed.lines.flatMap(
        (line) => line.match(/\S+: kafka-server restarted/) ?? [],
      );
      return new Set(restarted).size >= 2 ? { done: true } : { seen: killed.lastSeen() };
    });
    scene.fault();
    killed.drop();
    await killed.ended;
    await scene.up(file).succeeded();
    const after = await lab.starts();
    scene.observed["restarts"] = Object.fromEntries(
      Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)]),
    );
  },
};
