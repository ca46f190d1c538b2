import type { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { Host } from "./host";
import type { DataVolume } from "./lib/ebs";
import {
  BROKER_PORT,
  endpoints,
  KAFKA_KERNEL,
  KAFKA_LOGGING,
  kafkaUnit,
  serverProperties,
  SESSION_SCRIPT,
} from "./lib/kafka-config";
import { fullNames, ordinals } from "./lib/names";
import { readBrokerKeys } from "./lib/kafka-keys";
import { fingerprint, renderScript } from "./lib/scripts";
import { startService } from "./service";
import type { Site } from "./site";
import type { ZooKeeperEnsemble } from "./zookeeper-ensemble";

/** Arguments of {@link KafkaCluster}. */
export interface KafkaClusterArgs {
  site: Site;
  /** Where the cluster keeps its metadata. */
  zookeeper: ZooKeeperEnsemble;
  /** How many brokers. */
  brokers: number;
  instanceType: string;
  /** MiB of each broker's heap. A change restarts the brokers one by one. */
  heapMiB: number;
  /** Each broker's data volume. */
  volume: DataVolume;
  /** A version whose archive is pinned. */
  version: string;
  archiveUrl: string;
  /** Copies of each partition, for Kafka's own topics and as the default for others. */
  replicationFactor: number;
  /** MiB/s into and out of each broker while partitions are moved from one to another. */
  moveThrottleMiBps: number;
  /** Further lines of `server.properties`. What a broker can change while it runs, it changes so. */
  further: Record<string, string>;
}

/**
 * A Kafka cluster: its hosts, and on each a broker installed, configured and started. Brokers do
 * not wait for ZooKeeper to be ready; they ask for it until it answers. With another number of
 * brokers, partitions are moved before hosts go, and none that runs on is restarted.
 */
export class KafkaCluster extends pulumi.ComponentResource {
  readonly hosts: Host[];
  /** `host:port` of every broker, in order. */
  readonly bootstrapServers: string[];
  /**
   * Done once every broker is registered, partitions are where they are to be and none lacks a
   * replica; none while paused.
   */
  readonly ready: remote.Command[];
  /** Variables of `scripts/remote/kafka-brokers.sh` that tell where replicas may be. */
  readonly placing: Record<string, string>;
  /** Changes whenever a broker's host, its instance type or the configuration does. */
  readonly generation: pulumi.Output<string>[];

  constructor(name: string, args: KafkaClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("kafkalab:index:KafkaCluster", name, {}, opts);
    const role = "kafka" as const;
    const names = fullNames(role, args.brokers, args.site.dns.domain);
    this.bootstrapServers = names.map((fullName) => `${fullName}:${BROKER_PORT}`);
    this.hosts = ordinals(args.brokers).map(
      (ordinal) => new Host(`${name}-${ordinal}`, { ...args, role, ordinal }, { parent: this }),
    );
    const racks = this.hosts.map(({ place }, index) => `${index + 1}=${place.zone.id}`);
    this.placing = {
      BOOTSTRAP: this.bootstrapServers.slice(0, 3).join(","),
      RACKS: racks.join(" "),
    };
    const configs = this.hosts.map((host, index) => this.config(args, host, index + 1));
    const content = fingerprint(configs, args.version, kafkaUnit(args.heapMiB), args.instanceType);
    this.generation = [pulumi.output(content), ...this.hosts.map((host) => host.instanceId)];
    this.ready = args.site.running ? [this.start(name, args, configs)] : [];
    this.registerOutputs({ bootstrapServers: this.bootstrapServers });
  }

  private config(args: KafkaClusterArgs, host: Host, id: number): string {
    return serverProperties({
      id,
      advertisedName: host.fullName,
      rack: host.place.zone.id,
      zookeepers: args.zookeeper.names,
      replicationFactor: args.replicationFactor,
      heapMiB: args.heapMiB,
      version: args.version,
      further: args.further,
    });
  }

  /**
   * Done once the names of all brokers lead to where their hosts are now. A broker that asks before
   * would remember the former address of another. One resource for all, or the number of dependencies
   * would grow with the square of the number of brokers.
   */
  private awaitNames(name: string): pulumi.Resource {
    return new pulumi.Stash(
      `${name}-names`,
      { input: this.bootstrapServers },
      { parent: this, dependsOn: this.hosts.flatMap((host) => host.records) },
    );
  }

  private start(name: string, args: KafkaClusterArgs, configs: string[]): remote.Command {
    const zookeeperRecords = args.zookeeper.hosts.flatMap((host) => host.records);
    const named = this.awaitNames(name);
    const nodes = this.hosts.map((host, index) => ({
      host,
      variables: { NODE_ID: String(index + 1), CONFIG: configs[index] ?? "" },
      // The roll begins with the last broker: what it refuses is refused before any is restarted.
      installVariables: {
        BROKERS: index + 1 === args.brokers ? String(args.brokers) : "",
        START_SCRIPT_FILE: SESSION_SCRIPT,
        START_SCRIPT: renderScript(["kafka-session.sh"], {}),
      },
      after: [named, ...zookeeperRecords],
    }));
    return startService(
      name,
      {
        product: "kafka",
        version: args.version,
        archiveUrl: args.archiveUrl,
        volumeGiB: args.volume.gib,
        packages: { java: "openjdk-17-jre-headless", kcat: "kcat", xxd: "xxd" },
        variables: {
          DATA: "/data/kafka-logs",
          ZOOKEEPER: endpoints(args.zookeeper.names, 2181),
          CONFIG_FILE: "config/server.properties",
          LOGGING_FILE: "config/log4j.properties",
          LOGGING: KAFKA_LOGGING,
          UNIT: kafkaUnit(args.heapMiB),
          KERNEL: KAFKA_KERNEL,
          LIVE_KEYS: readBrokerKeys(args.version).live.join(" "),
          // Only a user's own lines can be refused: nobody waits for a check of the lab's.
          CHECK: Object.keys(args.further).join(" "),
        },
        gate: {
          files: ["kafka-brokers.sh", "kafka-whole.sh", "kafka-ready.sh"],
          variables: {
            ...this.placing,
            SERVERS: this.bootstrapServers.join(" "),
            THROTTLE_MIBPS: String(args.moveThrottleMiBps),
          },
          triggers: this.generation,
          // As long as it takes to move partitions; every other wait has a bound of its own.
          timeoutMinutes: 7 * 24 * 60,
        },
      },
      nodes,
      [...args.site.firewall.rules, ...args.site.network.wayOut],
      this,
    );
  }
}
