import { MOST_HOSTS } from "../lib/names";
import { integer, text, texts } from "./define";
import { decidedBySettings } from "./file-keys";
import { instanceType } from "./instance-type";
import { release } from "./lab";
import { breach, heap } from "./rules";
import { volumeOf } from "./volumes";
import { badZookeeperKeys, zookeeperKeyRule } from "./zookeeper-keys";

const zookeeperNodes = integer({
  name: "zookeeperNodes",
  default: 3,
  rule: {
    text: `be odd, from 1 to ${MOST_HOSTS.zookeeper}`,
    check: (value) =>
      breach(
        value < 1 || value > MOST_HOSTS.zookeeper,
        `be from 1 to ${MOST_HOSTS.zookeeper}`,
        "Take 3; 5 survive the loss of two",
      ) ??
      breach(
        value % 2 === 0,
        "be odd",
        `${value} nodes survive the loss of no more than ${value - 1} do; take ${value - 1} or ${value + 1}`,
      ),
  },
  text: "The number of ZooKeeper nodes. Three survive the loss of one node, five the loss of two.",
  change:
    "A change adds or removes nodes one by one while the others run, then restarts the brokers one by one. " +
    "You cannot lower it while the lab is paused.",
  example: 5,
});

const zookeeperHeapMiB = integer({
  name: "zookeeperHeapMiB",
  default: 512,
  rule: heap,
  text: "The heap of each ZooKeeper node in MiB.",
  change: "A change restarts the ZooKeeper nodes one by one, the leader last.",
  example: 1024,
});

const zookeeperInstanceType = instanceType({
  name: "zookeeperInstanceType",
  defaults: { x86_64: "t3.small", arm64: "t4g.small" },
  heap: { setting: zookeeperHeapMiB, share: 0.75 },
  text: "The EC2 instance type of the ZooKeeper nodes.",
  change: "A change stops all ZooKeeper nodes and starts them again.",
  example: "m7i.large",
});

const zookeeperVersion = text({
  name: "zookeeperVersion",
  default: "3.8.4",
  rule: release("zookeeper", "be a release of ZooKeeper 3.8"),
  text: "The ZooKeeper release.",
  change: "A change restarts the ZooKeeper nodes one by one, the leader last.",
  example: "3.8.4",
});

const zookeeperConfig = texts({
  name: "zookeeperConfig",
  rule: {
    text: "hold keys that ZooKeeper 3.8 documents and that the lab does not decide",
    each: (_, { settings }) => zookeeperKeyRule(decidedBySettings("zookeeperKey", settings)),
    together: badZookeeperKeys,
  },
  text: "Further keys of zoo.cfg, with their values.",
  change: "A change restarts the ZooKeeper nodes one by one, the leader last.",
  example: { snapCount: 50000 },
});

export const zookeeperVolume = volumeOf("zookeeper", 10);

/** The settings of ZooKeeper. */
export const ZOOKEEPER = [
  zookeeperNodes,
  zookeeperVersion,
  zookeeperConfig,
  zookeeperInstanceType,
  zookeeperHeapMiB,
  ...zookeeperVolume.settings,
] as const;
