import type { Drill } from "../drill";
import { clockJump } from "./clock-jump";
import { diskFull } from "./disk-full";
import { killBroker } from "./kill-broker";
import { killPulumi } from "./kill-pulumi";
import { killZookeeperLeader } from "./kill-zookeeper-leader";
import { partition } from "./partition";
import { powerOff } from "./power-off";
import { restartAll } from "./restart-all";
import { wrongClusterId } from "./wrong-cluster-id";
import { zookeeperMajority } from "./zookeeper-majority";

/** All drills, in the order in which `all` runs them. */
export const DRILLS: Drill[] = [
  killBroker,
  powerOff,
  killZookeeperLeader,
  zookeeperMajority,
  partition,
  diskFull,
  clockJump,
  restartAll,
  killPulumi,
  wrongClusterId,
];
