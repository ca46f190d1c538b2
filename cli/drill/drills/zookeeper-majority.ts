import { setTimeout as delay } from "node:timers/promises";
import type { Drill } from "../drill";
import { dropIn, kill, lasting, noDropIn } from "../scripts";

const OUTAGE_SECONDS = 10;

/** Shows that Kafka accepts messages while the ensemble has no majority. */
export const zookeeperMajority: Drill = {
  name: "zookeeper-majority",
  what: `kill -9 all but one ZooKeeper, and bring them back after ${OUTAGE_SECONDS} s`,
  async run(scene) {
    const { lab, load } = scene;
    const killed = lab.zookeepers.slice(1);
    scene.fault();
    const held = killed.map((host) => host.hold("ZooKeeper killed", keepDown("zookeeper-server")));
    await Promise.all(held.map((session) => scene.hold(session)));
    const before = load.acknowledged;
    await delay(OUTAGE_SECONDS * 1000);
    scene.observed["acknowledgedWithoutZooKeeper"] = load.acknowledged - before;
    await Promise.all(held.map((session) => scene.release(session)));
  },
};

/** Kills a service. systemd does not start it until the drill releases the script. */
function keepDown(service: string): string {
  return lasting(
    `${dropIn(service, "Restart=no")}
${kill(service)}`,
    `${noDropIn(service)}
  systemctl start ${service}`,
  );
}
