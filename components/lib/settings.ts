import { capacity } from "./addresses";
import { archiveHosts, type Pins, type Product } from "./archive-pins";
import { domain } from "./domain";
import * as ebs from "./ebs";
import { brokerKey, zookeeperKey, zookeeperKeys } from "./further-keys";
import { type Architecture, ARCHITECTURES } from "./instance-types";
import * as rules from "./rules";
import { SettingReader } from "./setting-reader";
import { readTopics, type TopicShape } from "./topics";

/** Where hosts are put: all with a public address, or behind a bastion. */
export type Topology = "public" | "private";

/** Everything that can be set about a lab, checked. `Pulumi.yaml` describes each setting. */
export interface Settings {
  target: string;
  region: string;
  /** Zones to use, by name; none for the first ones of the region. */
  availabilityZones: string[];
  topology: Topology;
  running: boolean;
  architecture: Architecture;
  vpcCidr: string;
  sshAllowedCidrs: string[];
  bastionInstanceType: string;
  domain: string;
  zookeeperNodes: number;
  zookeeperInstanceType: string;
  zookeeperHeapMiB: number;
  zookeeperVolume: ebs.DataVolume;
  zookeeperVersion: string;
  /** Further lines of `zoo.cfg`. */
  zookeeperConfig: Record<string, string>;
  brokers: number;
  brokerInstanceType: string;
  brokerHeapMiB: number;
  brokerVolume: ebs.DataVolume;
  kafkaVersion: string;
  /** Further lines of `server.properties`. */
  brokerConfig: Record<string, string>;
  replicationFactor: number;
  moveThrottleMiBps: number;
  topic: string;
  topics: TopicShape[];
  /** A server of archives; empty for Apache's own. */
  archiveUrl: string;
  tags: Record<string, string>;
}

/**
 * The default of every setting; `Pulumi.yaml` says the same (a test compares them). An empty text
 * or 0 stands for what fits the other settings.
 */
export const DEFAULTS = {
  target: "local",
  region: "ap-northeast-2",
  availabilityZones: [] as string[],
  topology: "public",
  running: true,
  architecture: "",
  vpcCidr: "10.20.0.0/16",
  sshAllowedCidrs: [] as string[],
  bastionInstanceType: "",
  domain: "foo.bar",
  zookeeperNodes: 3,
  zookeeperInstanceType: "",
  zookeeperHeapMiB: 512,
  zookeeperVolumeGiB: 10,
  zookeeperVolumeType: "gp3",
  zookeeperVolumeIops: 0,
  zookeeperVolumeThroughputMiBps: 0,
  zookeeperVersion: "3.8.4",
  zookeeperConfig: {} as Record<string, string>,
  brokers: 3,
  brokerInstanceType: "",
  brokerHeapMiB: 1024,
  brokerVolumeGiB: 20,
  brokerVolumeType: "gp3",
  brokerVolumeIops: 0,
  brokerVolumeThroughputMiBps: 0,
  kafkaVersion: "3.9.1",
  brokerConfig: {} as Record<string, string>,
  replicationFactor: 3,
  moveThrottleMiBps: 25,
  topic: "peter-overview01",
  topics: {} as Record<string, unknown>,
  archiveUrl: "",
  tags: {} as Record<string, string>,
};

/** The instance types of each architecture that are taken where none is set. */
const INSTANCE_TYPES: Record<Architecture, Record<"zookeeper" | "broker" | "bastion", string>> = {
  x86_64: { zookeeper: "t3.small", broker: "t3.medium", bastion: "t3.nano" },
  arm64: { zookeeper: "t4g.small", broker: "t4g.medium", bastion: "t4g.nano" },
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

/**
 * Reads the settings of a stack from their texts, and finds every fault in them.
 *
 * @param machine The architecture of this machine, whose hosts are those of the local target.
 */
export function readSettings(
  raw: Record<string, string>,
  pins: Pins,
  machine: Architecture = process.arch === "arm64" ? "arm64" : "x86_64",
): Reading {
  const reader = new SettingReader(raw, Object.keys(DEFAULTS));
  const d = DEFAULTS;
  const target = reader.text("target", d.target, rules.oneOf(["local", "aws"]));
  const local = target === "local";
  const architecture = reader.text(
    "architecture",
    local ? machine : "x86_64",
    local ? rules.machine(machine) : rules.oneOf(ARCHITECTURES),
  ) as Architecture;
  const types = INSTANCE_TYPES[architecture];
  const archiveUrl = reader.text("archiveUrl", d.archiveUrl, rules.archiveUrl(target));
  const zookeeperHeapMiB = reader.integer("zookeeperHeapMiB", d.zookeeperHeapMiB, rules.heap);
  const brokerHeapMiB = reader.integer("brokerHeapMiB", d.brokerHeapMiB, rules.heap);
  const brokers = reader.integer("brokers", d.brokers, rules.brokers);
  const replicationFactor = reader.integer(
    "replicationFactor",
    d.replicationFactor,
    rules.replicationFactor(brokers),
  );
  const topic = reader.text("topic", d.topic, rules.topic);
  const kafkaVersion = reader.text("kafkaVersion", d.kafkaVersion, version("kafka"));
  const settings: Settings = {
    target,
    region: reader.text("region", d.region, rules.region),
    availabilityZones: reader.list(
      "availabilityZones",
      d.availabilityZones,
      rules.zone,
      rules.zones(MIN_ZONES, MAX_ZONES),
    ),
    topology: reader.text("topology", d.topology, rules.oneOf(["public", "private"])) as Topology,
    running: reader.boolean("running", d.running),
    architecture,
    vpcCidr: reader.text("vpcCidr", d.vpcCidr, rules.vpcCidr),
    sshAllowedCidrs: reader.list(
      "sshAllowedCidrs",
      local ? [rules.LOCAL_ADDRESSES] : [],
      rules.sshCidr,
      rules.sshCidrs(local),
    ),
    bastionInstanceType: reader.text(
      "bastionInstanceType",
      types.bastion,
      rules.instanceType(architecture),
    ),
    domain: reader.text("domain", d.domain, domain(archiveHosts(archiveUrl))),
    zookeeperNodes: reader.integer("zookeeperNodes", d.zookeeperNodes, rules.ensembleSize),
    zookeeperInstanceType: reader.text(
      "zookeeperInstanceType",
      types.zookeeper,
      rules.instanceType(architecture, { name: "zookeeperHeapMiB", mib: zookeeperHeapMiB }, 0.75),
    ),
    zookeeperHeapMiB,
    zookeeperVolume: readVolume(reader, "zookeeper"),
    zookeeperVersion: reader.text("zookeeperVersion", d.zookeeperVersion, version("zookeeper")),
    zookeeperConfig: reader.texts("zookeeperConfig", zookeeperKey, zookeeperKeys),
    brokers,
    brokerInstanceType: reader.text(
      "brokerInstanceType",
      types.broker,
      rules.instanceType(architecture, { name: "brokerHeapMiB", mib: brokerHeapMiB }, 0.5),
    ),
    brokerHeapMiB,
    brokerVolume: readVolume(reader, "broker"),
    kafkaVersion,
    brokerConfig: reader.texts("brokerConfig", brokerKey(kafkaVersion)),
    replicationFactor,
    moveThrottleMiBps: reader.integer("moveThrottleMiBps", d.moveThrottleMiBps, rules.moveThrottle),
    topic,
    topics: readTopics(reader, { brokers, replicationFactor, taken: topic, kafkaVersion }),
    archiveUrl,
    tags: reader.texts("tags", rules.tag, rules.tags),
  };
  checkRoom(settings, reader);
  reader.checkNames();
  return { settings, faults: reader.faults };

  function version(product: Product) {
    return rules.version(product, pins[product], archiveUrl);
  }
}

function readVolume(reader: SettingReader, role: "zookeeper" | "broker"): ebs.DataVolume {
  const name = `${role}Volume` as const;
  const type = reader.text(
    `${name}Type`,
    DEFAULTS[`${name}Type`],
    rules.oneOf(ebs.VOLUME_TYPES),
  ) as ebs.VolumeType;
  const gib = reader.integer(`${name}GiB`, DEFAULTS[`${name}GiB`], ebs.size(type));
  const iops = reader.integer(`${name}Iops`, DEFAULTS[`${name}Iops`], ebs.iops(type, gib));
  const throughputMiBps = reader.integer(
    `${name}ThroughputMiBps`,
    DEFAULTS[`${name}ThroughputMiBps`],
    ebs.throughput(type, iops, `${name}Iops`),
  );
  return {
    type,
    gib,
    ...(iops === 0 ? {} : { iops }),
    ...(throughputMiBps === 0 ? {} : { throughputMiBps }),
  };
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
