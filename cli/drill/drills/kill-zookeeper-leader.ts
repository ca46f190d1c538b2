import type { Drill } from "../drill";
import { kill } from "../scripts";

/** Shows that the ensemble elects a new leader, and that brokers keep their sessions. */
export const killZookeeperLeader: Drill = {
  name: "kill-zookeeper-leader",
  what: "kill -9 the leader of ZooKeeper; another one is elected",
  async run(scene) {
    const leader = await scene.lab.zookeeperLeader();
    scene.fault();
    await leader.asRoot(kill("zookeeper-server"));
    scene.observed["killed"] = leader.name;
  },
};
