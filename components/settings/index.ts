import { type Pins } from "../lib/archive-pins";
import { type DataVolume } from "../lib/ebs";
import { type Architecture } from "../lib/instance-types";
import { type Setting } from "./define";
import { brokerVolume, KAFKA } from "./kafka";
import { LAB } from "./lab";
import { NETWORK } from "./network";
import { SettingReader } from "./reader";
import { TOPICS } from "./topics";
import { ZOOKEEPER, zookeeperVolume } from "./zookeeper";

/** All settings, by what they are about, in the order of the reference. */
export const GROUPS = [
  { title: "The lab", settings: LAB },
  { title: "Network", settings: NETWORK },
  { title: "ZooKeeper", settings: ZOOKEEPER },
  { title: "Kafka", settings: KAFKA },
  { title: "Topics", settings: TOPICS },
] as const;

/** All settings. */
export const SETTINGS = [...LAB, ...NETWORK, ...ZOOKEEPER, ...KAFKA, ...TOPICS] as const;

/** The values of settings by name. */
type Values<S extends Setting<unknown>> = {
  [One in S as One["name"]]: One extends Setting<infer T> ? T : never;
};

/** Everything that can be set about a lab, checked. */
export type Settings = Values<(typeof SETTINGS)[number]> & {
  /** The data volume of each ZooKeeper node. */
  zookeeperVolume: DataVolume;
  /** The data volume of each broker. */
  brokerVolume: DataVolume;
};

/** Settings, and what is wrong with them: one entry a fault, each a sentence for the user. */
export interface Reading {
  settings: Settings;
  faults: string[];
}

/**
 * Reads the settings of a stack from their texts, and finds every fault in them.
 *
 * @param machine The architecture of this machine, which hosts of the local target have.
 */
export function readSettings(
  raw: Record<string, string>,
  pins: Pins,
  machine: Architecture = process.arch === "arm64" ? "arm64" : "x86_64",
): Reading {
  const reader = new SettingReader(raw, pins, machine);
  const values = SETTINGS.map((setting) => [setting.name, reader.get<unknown>(setting)]);
  const settings = {
    // An object of entries has lost their types, which those of SETTINGS still say.
    ...(Object.fromEntries(values) as Values<(typeof SETTINGS)[number]>),
    zookeeperVolume: zookeeperVolume.read(reader),
    brokerVolume: brokerVolume.read(reader),
  };
  return { settings, faults: reader.faults(SETTINGS) };
}
