import type { Drill } from "../drill";
import { kill } from "../scripts";

/** Shows that a killed broker comes back by itself. */
export const killBroker: Drill = {
  name: "kill-broker",
  what: "kill -9 a broker; systemd starts it again",
  async run(scene) {
    scene.fault();
    await scene.victim.asRoot(kill("kafka-server"));
  },
};
