import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { hostAddress } from "../components/lib/addresses";
import {
  type Archive,
  directoryName,
  readPins,
  type Product,
} from "../components/lib/archive-pins";
import {
  endpoints,
  KAFKA_LOGGING,
  kafkaUnit,
  serverProperties,
} from "../components/lib/kafka-config";
import { listenerPort } from "../components/lib/kafka-listeners";
import { fullNames, hostName, ordinals } from "../components/lib/names";
import { shellQuote } from "../shared/quote";
import { readSettings, type Settings } from "../components/settings";
import { ZOOKEEPER_LOGGING, zooCfg, zookeeperUnit } from "../components/lib/zookeeper-config";
import { ZOOKEEPER_HOME } from "../shared/homes";

/** The zones of the hosts in the local cloud. */
const ZONES = ["apne2-az1", "apne2-az2", "apne2-az3"];

/** The router of the bench's network, which also serves the archives. */
export const ROUTER = "10.20.255.254";

/** A host of the stack, with the files that the Pulumi program would write. */
export interface BenchHost {
  name: string;
  address: string;
  product: Product;
  ordinal: number;
  version: string;
  /** The directory in the archive of its release. */
  release: string;
  archives: Archive[];
  service: string;
  data: string;
  configFile: string;
  config: string;
  loggingFile: string;
  logging: string;
  unit: string;
  volumeGiB: number;
}

/** The settings and all hosts of a stack. */
export interface BenchHosts {
  settings: Settings;
  hosts: BenchHost[];
  /** The host that sends the message. */
  last: string;
}

/** Reads a stack's settings, and returns its hosts. */
export function readHosts(raw: Record<string, string>): BenchHosts {
  const { settings, faults } = readSettings(raw, readPins());
  if (faults.length > 0) {
    throw new Error(faults.join("\n"));
  }
  const { domain } = settings;
  const zookeepers = fullNames("zookeeper", settings.zookeeperNodes, domain);
  const brokers = fullNames("kafka", settings.brokers, domain);
  const common = (product: Product, ordinal: number, version: string) => ({
    name: hostName(product, ordinal),
    address: hostAddress(settings.vpcCidr, ZONES.length, "public", product, ordinal),
    product,
    ordinal,
    version,
    release: directoryName(product, version),
    archives: readPins()[product][version] ?? [],
    service: `${product}-server`,
  });
  const hosts: BenchHost[] = [
    ...ordinals(settings.zookeeperNodes).map((ordinal) => ({
      ...common("zookeeper", ordinal, settings.zookeeperVersion),
      data: "/data/zk",
      configFile: "conf/zoo.cfg",
      config: zooCfg(settings.zookeeperLines, staticMembers(zookeepers)),
      loggingFile: "conf/logback.xml",
      logging: ZOOKEEPER_LOGGING,
      unit: zookeeperUnit(settings.zookeeperHeapMiB),
      volumeGiB: settings.zookeeperVolume.gib,
    })),
    ...ordinals(settings.brokers).map((ordinal) => ({
      ...common("kafka", ordinal, settings.kafkaVersion),
      data: "/data/kafka-logs",
      configFile: "config/server.properties",
      config: serverProperties({
        id: ordinal,
        advertisedName: brokers[ordinal - 1] ?? "",
        rack: ZONES[(ordinal - 1) % ZONES.length] ?? "",
        zookeepers,
        replicationFactor: settings.replicationFactor,
        heapMiB: settings.brokerHeapMiB,
        version: settings.kafkaVersion,
        lines: settings.brokerLines,
        further: settings.brokerConfig,
      }),
      loggingFile: "config/log4j.properties",
      logging: KAFKA_LOGGING,
      unit: kafkaUnit(settings.brokerHeapMiB),
      volumeGiB: settings.brokerVolume.gib,
    })),
  ];
  return { settings, hosts, last: hostName("kafka", 1) };
}

/** Writes the files that every host of the bench has before it boots: its network, and all hosts' names. */
export function writeHost(directory: string, host: BenchHost, all: BenchHosts): void {
  const { settings, hosts } = all;
  const { domain } = settings;
  const names = hosts.map(({ name, address }) => `${address} ${name}.${domain} ${name}`);
  const to = upper(directory, host);
  put(to("etc/hostname"), `${host.name}.${domain}\n`);
  put(to("etc/hosts"), ["127.0.0.1 localhost", ...names].join("\n") + "\n");
  put(to("etc/systemd/network/10-ens5.network"), "[Match]\nName=ens5\n[Link]\nUnmanaged=yes\n");
  // An empty file masks this unit: the network exists before the host boots.
  put(to("etc/systemd/system/systemd-networkd-wait-online.service"), "");
  // Files that the lab's units need: each unit copies the first, and ZooKeeper's unit runs the second.
  put(to(`etc/kafkalab/${host.service}.content`), "");
  put(
    to("etc/kafkalab/zookeeper-start.sh"),
    `exec ${ZOOKEEPER_HOME}/bin/zkServer.sh start-foreground\n`,
  );
  put(
    to("bench/message"),
    variables({
      BROKERS: endpoints(
        fullNames("kafka", settings.brokers, domain),
        listenerPort("inside", "plaintext"),
      ),
      BROKER_COUNT: String(settings.brokers),
      TOPIC: settings.topic,
      REPLICATION_FACTOR: String(settings.replicationFactor),
    }),
  );
  copyTo(join(__dirname, "message.sh"), to("bench/message.sh"));
}

/** The book's lines of `zoo.cfg` for a static ensemble. */
function staticMembers(names: string[]): Record<string, string> {
  const members = Object.fromEntries(
    names.map((name, index) => [`server.${index + 1}`, `${name}:2888:3888`]),
  );
  return { reconfigEnabled: "false", ...members };
}

/** Writes the shell variables of the network for `hosts.sh`. */
export function writeNetwork(directory: string, { settings, hosts, last }: BenchHosts): void {
  const prefix = settings.vpcCidr.split("/")[1] ?? "16";
  put(join(directory, "network"), variables({ ROUTER: `${ROUTER}/${prefix}`, LAST: last }));
  for (const { name, address } of hosts) {
    put(join(directory, "hosts", name, "host"), variables({ ADDRESS: `${address}/${prefix}` }));
  }
}

/** Returns paths in a host's own overlay layer. */
export const upper = (directory: string, { name }: BenchHost) => {
  return (path: string) => join(directory, "hosts", name, "upper", path);
};

/** Writes a file, and creates its directories. */
export function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** Copies a file, with its mode. */
export function copyTo(source: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  copyFileSync(source, path);
}

/** Formats values as shell assignments. */
export function variables(values: Record<string, string>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${shellQuote(value)}\n`)
    .join("");
}
