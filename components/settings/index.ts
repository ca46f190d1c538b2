import { type Pins } from "../lib/archive-pins";
import { type DataVolume } from "../lib/ebs";
import { type Architecture } from "../lib/instance-types";
import { ACCESS } from "./access";
import { CLIENT_ACCESS, clientCidrs } from "./client-access";
import { CLIENTS } from "./clients";
import { type Setting } from "./define";
import { fileLines } from "./file-keys";
import { brokerVolume, KAFKA } from "./kafka";
import { LAB } from "./lab";
import { NETWORK } from "./network";
import { SettingReader } from "./reader";
import { SECURITY } from "./security";
import { TOPICS } from "./topics";
import { ZOOKEEPER, zookeeperVolume } from "./zookeeper";

/** All settings in groups, in the order of the reference. */
export const GROUPS = [
  { title: "The lab", settings: LAB },
  { title: "Network", settings: NETWORK },
  { title: "Clients", settings: CLIENT_ACCESS },
  { title: "Client hosts", settings: CLIENTS },
  { title: "Security", settings: SECURITY },
  { title: "ZooKeeper", settings: ZOOKEEPER },
  { title: "Kafka", settings: KAFKA },
  { title: "Topics", settings: TOPICS },
  { title: "Access", settings: ACCESS },
] as const;

/** All settings. */
export const SETTINGS = [
  ...LAB,
  ...NETWORK,
  ...CLIENT_ACCESS,
  ...CLIENTS,
  ...SECURITY,
  ...ZOOKEEPER,
  ...KAFKA,
  ...TOPICS,
  ...ACCESS,
] as const;

/** The values of settings by name. */
type Values<S extends Setting<unknown>> = {
  [One in S as One["name"]]: One extends Setting<infer T> ? T : never;
};

/** The checked settings of a lab. */
export type Settings = Values<(typeof SETTINGS)[number]> & {
  /** The blocks whose addresses may use Kafka from outside the VPC; empty if there are none. */
  clientCidrs: string[];
  /** The data volume of each ZooKeeper node. */
  zookeeperVolume: DataVolume;
  /** The data volume of each broker. */
  brokerVolume: DataVolume;
  /** The lines of `server.properties` that come from settings of their own. */
  brokerLines: Record<string, string>;
  /** The lines of `zoo.cfg` that come from settings of their own. */
  zookeeperLines: Record<string, string>;
};

/** Settings and their faults, each as an error message for the user. */
export interface Reading {
  settings: Settings;
  faults: string[];
}

/**
 * Parses and checks the settings of a stack.
 *
 * @param machine The architecture of this machine. Hosts of the local target have the same.
 */
export function readSettings(
  raw: Record<string, string>,
  pins: Pins,
  machine: Architecture = process.arch === "arm64" ? "arm64" : "x86_64",
): Reading {
  const reader = new SettingReader(SETTINGS, raw, pins, machine);
  const values = SETTINGS.map((setting) => [setting.name, reader.get<unknown>(setting)]);
  const settings = {
    // Object.fromEntries() loses the types of the values. SETTINGS still has them.
    ...(Object.fromEntries(values) as Values<(typeof SETTINGS)[number]>),
    clientCidrs: clientCidrs(reader),
    zookeeperVolume: zookeeperVolume.read(reader),
    brokerVolume: brokerVolume.read(reader),
    brokerLines: fileLines("brokerKey", SETTINGS, reader),
    zookeeperLines: fileLines("zookeeperKey", SETTINGS, reader),
  };
  return { settings, faults: reader.faults() };
}
