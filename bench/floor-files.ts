import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { hostAddress } from "../components/lib/addresses";
import {
  candidateLines,
  directoryName,
  readPins,
  type Product,
} from "../components/lib/archive-pins";
import {
  BROKER_PORT,
  endpoints,
  KAFKA_LOGGING,
  kafkaUnit,
  serverProperties,
} from "../components/lib/kafka-config";
import { fullNames, hostName, ordinals } from "../components/lib/names";
import { shellQuote } from "../components/lib/scripts";
import { readSettings } from "../components/lib/settings";
import { ZOOKEEPER_LOGGING, zooCfg, zookeeperUnit } from "../components/lib/zookeeper-config";

/** The zones over which the local cloud spreads hosts. */
const ZONES = ["apne2-az1", "apne2-az2", "apne2-az3"];

/** The mirror: the router of the floor's network. */
const ROUTER = "10.20.255.254";

interface FloorHost {
  product: Product;
  ordinal: number;
  version: string;
  data: string;
  configFile: string;
  config: string;
  loggingFile: string;
  logging: string;
  unit: string;
  volumeGiB: number;
}

/**
 * Writes what `floor.sh` needs: for each host of the stack with these settings the files that the
 * Pulumi program would put there.
 */
export function writeFloorFiles(directory: string, raw: Record<string, string>): void {
  const { settings, faults } = readSettings(raw, readPins());
  if (faults.length > 0) {
    throw new Error(faults.join("\n"));
  }
  const { domain } = settings;
  const zookeepers = fullNames("zookeeper", settings.zookeeperNodes, domain);
  const brokers = fullNames("kafka", settings.brokers, domain);
  const hosts: FloorHost[] = [
    ...ordinals(settings.zookeeperNodes).map((ordinal) => ({
      product: "zookeeper" as const,
      ordinal,
      version: settings.zookeeperVersion,
      data: "/data/zk",
      configFile: "conf/zoo.cfg",
      config: zooCfg() + zookeepers.map(serverLine).join(""),
      loggingFile: "conf/logback.xml",
      logging: ZOOKEEPER_LOGGING,
      unit: zookeeperUnit(settings.zookeeperHeapMiB),
      volumeGiB: settings.zookeeperVolume.gib,
    })),
    ...ordinals(settings.brokers).map((ordinal) => ({
      product: "kafka" as const,
      ordinal,
      version: settings.kafkaVersion,
      data: "/data/kafka-logs",
      configFile: "config/server.properties",
      config: serverProperties({
        id: ordinal,
        advertisedName: brokers[ordinal - 1] ?? "",
        rack: ZONES[(ordinal - 1) % ZONES.length] ?? "",
        zookeepers,
        replicationFactor: settings.replicationFactor,
        version: settings.kafkaVersion,
      }),
      loggingFile: "config/log4j.properties",
      logging: KAFKA_LOGGING,
      unit: kafkaUnit(settings.brokerHeapMiB),
      volumeGiB: settings.brokerVolume.gib,
    })),
  ];
  const address = (host: FloorHost) =>
    hostAddress(settings.vpcCidr, ZONES.length, "public", host.product, host.ordinal);
  const prefix = settings.vpcCidr.split("/")[1] ?? "16";
  const hostsFile = [
    "127.0.0.1 localhost",
    ...hosts.map((host) => {
      const name = hostName(host.product, host.ordinal);
      return `${address(host)} ${name}.${domain} ${name}`;
    }),
  ];
  const last = hostName("kafka", 1);

  put(join(directory, "network"), variables({ ROUTER: `${ROUTER}/${prefix}`, LAST: last }));
  for (const host of hosts) {
    const name = hostName(host.product, host.ordinal);
    const service = `${host.product}-server`;
    const release = directoryName(host.product, host.version);
    const to = (path: string) => join(directory, "hosts", name, "upper", path);
    put(
      join(directory, "hosts", name, "host"),
      variables({ ADDRESS: `${address(host)}/${prefix}`, VOLUME_GIB: String(host.volumeGiB) }),
    );
    put(to("etc/hostname"), `${name}.${domain}\n`);
    put(to("etc/hosts"), hostsFile.join("\n") + "\n");
    put(to("etc/systemd/network/10-ens5.network"), "[Match]\nName=ens5\n[Link]\nUnmanaged=yes\n");
    // Its network is there before it boots; an empty unit is a masked one.
    put(to("etc/systemd/system/systemd-networkd-wait-online.service"), "");
    put(to(`etc/systemd/system/${service}.service`), host.unit);
    put(to(`etc/kafkalab/${service}.content`), "");
    // What the unit of ZooKeeper runs.
    put(
      to("etc/kafkalab/zookeeper-start.sh"),
      "exec /usr/local/zookeeper/bin/zkServer.sh start-foreground\n",
    );
    put(
      to("bench/archives"),
      candidateLines(
        `http://${ROUTER}`,
        host.product,
        host.version,
        readPins()[host.product][host.version] ?? [],
      ) + "\n",
    );
    put(to("bench/config"), `${host.config}\n`);
    put(to("bench/logging"), `${host.logging}\n`);
    put(
      to("bench/settings"),
      variables({
        SERVICE: service,
        SERVICE_USER: host.product,
        DIRECTORY: release,
        CONFIG_FILE: host.configFile,
        LOGGING_FILE: host.loggingFile,
        DATA: host.data,
        MYID: host.product === "zookeeper" ? String(host.ordinal) : "",
        LAST: name === last ? "yes" : "no",
        BROKERS: endpoints(brokers, BROKER_PORT),
        BROKER_COUNT: String(settings.brokers),
        TOPIC: settings.topic,
        REPLICATION_FACTOR: String(settings.replicationFactor),
      }),
    );
    copyTo(join(__dirname, "floor-host.sh"), to("var/lib/cloud/instance/user-data.txt"));
  }
}

function serverLine(server: string, index: number): string {
  return `server.${index + 1}=${server}:2888:3888;2181\n`;
}

function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function copyTo(source: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  copyFileSync(source, path);
}

function variables(values: Record<string, string>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${shellQuote(value)}\n`)
    .join("");
}
