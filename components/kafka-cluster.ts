import * as pulumi from "@pulumi/pulumi";
import { minInSyncReplicas } from "../operator/kafka/availability";
import type { BrokerTarget, Wish } from "../operator/wish";
import { Host } from "./host";
import type { DataVolume } from "./lib/ebs";
import {
  KAFKA_KERNEL,
  KAFKA_LOGGING,
  kafkaUnit,
  serverProperties,
  SESSION_SCRIPT,
} from "./lib/kafka-config";
import {
  BROKER_PORT,
  type ClientAccess,
  clientListener,
  LISTENER_KEYS,
  type OutsideListener,
  tunnelListener,
} from "./lib/kafka-listeners";
import { CLIENT_PORT } from "./lib/zookeeper-config";
import { itemAt } from "../shared/item-at";
import { fullNames, ordinals } from "./lib/names";
import { readBrokerKeys } from "./lib/kafka-keys";
import { fingerprint } from "./lib/scripts";
import { renderScript } from "../shared/remote-script";
import { operate } from "./operator";
import { founders, installService, type Service, serviceWish } from "./service";
import type { Site } from "./site";
import type { ZooKeeperEnsemble } from "./zookeeper-ensemble";

/** Arguments of {@link KafkaCluster}. */
export interface KafkaClusterArgs {
  site: Site;
  /** The ensemble that stores the cluster's metadata. */
  zookeeper: ZooKeeperEnsemble;
  /** Number of brokers. */
  brokers: number;
  instanceType: string;
  /** Heap of each broker in MiB. A change restarts the brokers one by one. */
  heapMiB: number;
  /** Each broker's data volume. */
  volume: DataVolume;
  /** Kafka version. `archives.json` must pin its archive. */
  version: string;
  archiveUrl: string;
  /** How clients outside the VPC reach the brokers. A change restarts them one by one. @default not at all */
  clientAccess?: ClientAccess;
  /** Replication factor of Kafka's internal topics, and default for other topics. */
  replicationFactor: number;
  /** Replication limit in MiB/s, into and out of each broker, while partitions move. */
  moveThrottleMiBps: number;
  /** The topic of the smoke test. */
  smokeTopic: string;
  /** The lines of `server.properties` that come from settings of their own. */
  lines: Record<string, string>;
  /** Further lines of `server.properties`. A broker changes a key without a restart if Kafka allows it. */
  further: Record<string, string>;
}

/**
 * A Kafka cluster: its hosts, and an installed, configured and started broker on each. Pulumi does not
 * wait for ZooKeeper before it starts brokers: a broker retries until ZooKeeper answers. When the number
 * of brokers changes, the operator moves partitions before Pulumi deletes hosts, and does not restart
 * the remaining brokers.
 */
export class KafkaCluster extends pulumi.ComponentResource {
  readonly hosts: Host[];
  /** `host:port` of every broker, in order. */
  readonly bootstrapServers: string[];
  /** The same for clients outside the VPC; empty if they cannot reach the brokers. */
  readonly clientBootstrapServers: pulumi.Output<string>[];
  /**
   * Resources that complete once every broker is registered, all partitions are in place and all replicas
   * are in sync. Empty while the lab is paused.
   */
  readonly ready: pulumi.Resource[];
  /** How the operator and clients reach each broker. */
  readonly targets: pulumi.Output<BrokerTarget[]>;
  /** `min.insync.replicas` of the brokers; undefined if the user has set it. */
  readonly minInSyncReplicas: number | undefined;
  /** Changes whenever a broker's host, instance type or configuration changes, or the host is started again. */
  readonly generation: pulumi.Output<string>[];

  constructor(name: string, args: KafkaClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("kafkalab:index:KafkaCluster", name, {}, opts);
    const role = "kafka" as const;
    const names = fullNames(role, args.brokers, args.site.dns.domain);
    this.bootstrapServers = names.map((fullName) => `${fullName}:${BROKER_PORT}`);
    const hasElasticAddress = args.clientAccess?.way === "elastic-address";
    this.hosts = ordinals(args.brokers).map(
      (ordinal) =>
        new Host(
          `${name}-${ordinal}`,
          { ...args, role, ordinal, hasElasticAddress },
          { parent: this },
        ),
    );
    const outside = this.hosts.map((host, index) => listenerOf(args.clientAccess, host, index + 1));
    this.clientBootstrapServers = outside.flatMap(
      (listener) => listener?.apply(({ advertised }) => advertised) ?? [],
    );
    this.targets = pulumi.all(this.hosts.map((host) => host.target)).apply((targets) =>
      targets.map((host, index) => ({
        id: index + 1,
        host,
        server: itemAt(this.bootstrapServers, index),
        rack: itemAt(this.hosts, index).place.zone.id,
      })),
    );
    this.minInSyncReplicas =
      args.further["min.insync.replicas"] === undefined
        ? minInSyncReplicas(args.replicationFactor)
        : undefined;
    const configs = this.hosts.map((host, index) =>
      pulumi.output(outside[index]).apply((listener) => configOf(args, host, index + 1, listener)),
    );
    const content = pulumi
      .all(configs)
      .apply((texts) =>
        fingerprint(texts, args.version, kafkaUnit(args.heapMiB), args.instanceType),
      );
    this.generation = [
      content,
      ...this.hosts.flatMap(({ instanceId, launchTime }) => [instanceId, launchTime]),
    ];
    this.ready = args.site.running ? [this.start(name, args, configs)] : [];
    this.registerOutputs({
      bootstrapServers: this.bootstrapServers,
      clientBootstrapServers: this.clientBootstrapServers,
    });
  }

  /**
   * Completes once the DNS records of all brokers have their current addresses. A broker that resolves a
   * name earlier would cache the former address. One resource stands for all records: otherwise the
   * number of dependencies would grow with the square of the number of brokers.
   */
  private awaitNames(name: string): pulumi.Resource {
    return new pulumi.Stash(
      `${name}-names`,
      { input: this.bootstrapServers },
      { parent: this, dependsOn: this.hosts.flatMap((host) => host.records) },
    );
  }

  private start(
    name: string,
    args: KafkaClusterArgs,
    configs: pulumi.Output<string>[],
  ): pulumi.Resource {
    const { site, zookeeper } = args;
    const service = kafkaService(args);
    const zookeeperRecords = zookeeper.hosts.flatMap((host) => host.records);
    const zones = ordinals(3).map((ordinal) => site.network.place("kafka", ordinal).zone.name);
    const nodes = this.hosts.map((host, index) => ({
      host,
      config: itemAt(configs, index),
      variables: {
        CHECK: String(hasUserKeys(args)),
        START_SCRIPT_FILE: SESSION_SCRIPT,
        START_SCRIPT: renderScript(["kafka-session.sh"], {}),
      },
      after: [],
    }));
    const installed = installService(
      name,
      service,
      nodes,
      founders(name, this.hosts, zones, this),
      [site.firewall.rules, ...site.network.wayOut, this.awaitNames(name), ...zookeeperRecords],
      this,
    );
    return operate(
      `${name}-ready`,
      {
        wish: pulumi.all([this.targets, pulumi.all(configs)]).apply(([targets, texts]): Wish => ({
          kind: "kafka",
          service: serviceWish(service),
          brokers: targets.map((target, index) => ({ ...target, config: itemAt(texts, index) })),
          zookeeper: zookeeper.names.map((node) => `${node}:${CLIENT_PORT}`),
          liveKeys: readBrokerKeys(args.version).live.filter((key) => !LISTENER_KEYS.includes(key)),
          hasUserKeys: hasUserKeys(args),
          replicationFactor: args.replicationFactor,
          smokeTopic: args.smokeTopic,
          moveThrottleMiBps: args.moveThrottleMiBps,
        })),
        triggers: this.generation,
        // Partitions may take days to move. Every other wait of the operator has its own limit.
        timeoutMinutes: 7 * 24 * 60,
      },
      {
        parent: this,
        dependsOn: [...installed, ...this.hosts.flatMap((host) => host.attachments)],
      },
    );
  }
}

function listenerOf(
  access: ClientAccess | undefined,
  { elasticIp }: Host,
  id: number,
): pulumi.Output<OutsideListener> | undefined {
  return access?.way === "tunnel"
    ? pulumi.output(tunnelListener(access.firstPort, id))
    : elasticIp?.apply(clientListener);
}

function configOf(
  args: KafkaClusterArgs,
  host: Host,
  id: number,
  outside: OutsideListener | undefined,
): string {
  const { replicationFactor, heapMiB, version, lines, further } = args;
  return serverProperties({
    id,
    advertisedName: host.fullName,
    outside,
    rack: host.place.zone.id,
    zookeepers: args.zookeeper.names,
    ...{ replicationFactor, heapMiB, version, lines, further },
  });
}

/** Whether Kafka can reject a key: the lab's own keys need no check. */
function hasUserKeys({ further }: KafkaClusterArgs): boolean {
  return Object.keys(further).length > 0;
}

function kafkaService(args: KafkaClusterArgs): Service {
  const { version, archiveUrl, volume, heapMiB } = args;
  return {
    product: "kafka",
    version,
    archiveUrl,
    volumeGiB: volume.gib,
    data: "/data/kafka-logs",
    configFile: "config/server.properties",
    loggingFile: "config/log4j.properties",
    logging: KAFKA_LOGGING,
    unit: kafkaUnit(heapMiB),
    kernel: KAFKA_KERNEL,
    packages: { java: "openjdk-17-jre-headless", kcat: "kcat", xxd: "xxd" },
    installScripts: [...(hasUserKeys(args) ? ["kafka-check.sh"] : []), "kafka-install.sh"],
  };
}
