import { type Pins, type Product } from "./archive-pins";
import { capacity } from "./addresses";
import * as rules from "./rules";
import { SettingReader } from "./setting-reader";

/** Everything that can be set about a lab, checked. `Pulumi.yaml` describes each setting. */
export interface Settings {
  target: string;
  region: string;
  vpcCidr: string;
  sshAllowedCidrs: string[];
  domain: string;
  zookeeperNodes: number;
  zookeeperInstanceType: string;
  zookeeperHeapMiB: number;
  zookeeperVolumeGiB: number;
  zookeeperVersion: string;
  brokers: number;
  brokerInstanceType: string;
  brokerHeapMiB: number;
  brokerVolumeGiB: number;
  kafkaVersion: string;
  replicationFactor: number;
  topic: string;
  archiveUrl: string;
  tags: Record<string, string>;
}

/** The default of every setting; `Pulumi.yaml` says the same (a test compares them). */
export const DEFAULTS: Settings = {
  target: "local",
  region: "ap-northeast-2",
  vpcCidr: "10.20.0.0/16",
  sshAllowedCidrs: [],
  domain: "foo.bar",
  zookeeperNodes: 3,
  zookeeperInstanceType: "t3.small",
  zookeeperHeapMiB: 512,
  zookeeperVolumeGiB: 10,
  zookeeperVersion: "3.8.4",
  brokers: 3,
  brokerInstanceType: "t3.medium",
  brokerHeapMiB: 1024,
  brokerVolumeGiB: 20,
  kafkaVersion: "3.9.1",
  replicationFactor: 3,
  topic: "peter-overview01",
  archiveUrl: "https://archive.apache.org/dist",
  tags: {},
};

/** Hosts are spread over as many zones as there are, up to this many... */
export const MAX_ZONES = 3;

/** ...and never over fewer than this, so that one zone may be lost. */
export const MIN_ZONES = 2;

/** Settings, or what is wrong with them: one entry a fault, each a sentence for the user. */
export interface Reading {
  settings: Settings;
  faults: string[];
}

/** Reads the settings of a stack from their texts, and finds every fault in them. */
export function readSettings(raw: Record<string, string>, pins: Pins): Reading {
  const reader = new SettingReader(raw, Object.keys(DEFAULTS));
  const d = DEFAULTS;
  const settings: Settings = {
    target: reader.text("target", d.target, rules.oneOf(["local", "aws"])),
    region: reader.text("region", d.region, rules.region),
    vpcCidr: reader.text("vpcCidr", d.vpcCidr, rules.vpcCidr),
    sshAllowedCidrs: [],
    domain: reader.text("domain", d.domain, rules.domain),
    zookeeperNodes: reader.integer("zookeeperNodes", d.zookeeperNodes, rules.ensembleSize),
    zookeeperInstanceType: "",
    zookeeperHeapMiB: reader.integer("zookeeperHeapMiB", d.zookeeperHeapMiB, rules.heap),
    zookeeperVolumeGiB: reader.integer("zookeeperVolumeGiB", d.zookeeperVolumeGiB, rules.volume),
    zookeeperVersion: reader.text("zookeeperVersion", d.zookeeperVersion, version("zookeeper")),
    brokers: reader.integer("brokers", d.brokers, rules.brokers),
    brokerInstanceType: "",
    brokerHeapMiB: reader.integer("brokerHeapMiB", d.brokerHeapMiB, rules.heap),
    brokerVolumeGiB: reader.integer("brokerVolumeGiB", d.brokerVolumeGiB, rules.volume),
    kafkaVersion: reader.text("kafkaVersion", d.kafkaVersion, version("kafka")),
    replicationFactor: 0,
    topic: reader.text("topic", d.topic, rules.topic),
    archiveUrl: reader.text("archiveUrl", d.archiveUrl, rules.archiveUrl),
    tags: reader.texts("tags", d.tags, rules.tag),
  };
  // These rules look at other settings too.
  settings.zookeeperInstanceType = reader.text(
    "zookeeperInstanceType",
    d.zookeeperInstanceType,
    rules.instanceType(settings.zookeeperHeapMiB, "zookeeperHeapMiB", 0.75),
  );
  settings.brokerInstanceType = reader.text(
    "brokerInstanceType",
    d.brokerInstanceType,
    rules.instanceType(settings.brokerHeapMiB, "brokerHeapMiB", 0.5),
  );
  settings.replicationFactor = reader.integer(
    "replicationFactor",
    d.replicationFactor,
    rules.replicationFactor(settings.brokers),
  );
  settings.sshAllowedCidrs = reader.list(
    "sshAllowedCidrs",
    settings.target === "local" ? [rules.LOCAL_ADDRESSES] : [],
    rules.sshCidr,
    rules.sshCidrs,
  );
  checkRoom(settings, reader);
  reader.checkNames();
  return { settings, faults: reader.faults };

  function version(product: Product) {
    return rules.version(product, Object.keys(pins[product]));
  }
}

function checkRoom(settings: Settings, reader: SettingReader): void {
  const prefix = Number(settings.vpcCidr.split("/")[1]);
  const room = capacity(prefix, MIN_ZONES, "kafka");
  if (settings.brokers > room) {
    reader.fault(
      "vpcCidr",
      `have an address for each of the ${settings.brokers} brokers (this one has room for ${room})`,
      settings.vpcCidr,
      `Choose a wider block, such as ${settings.vpcCidr.split("/")[0]}/16, or fewer brokers`,
    );
  }
}
