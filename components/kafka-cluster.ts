import * as pulumi from "@pulumi/pulumi";
import { minInSyncReplicas } from "../operator/kafka/availability";
import type { AccessWish, BrokerTarget, Wish } from "../operator/wish";
import { Host } from "./host";
import type { DataVolume } from "./lib/ebs";
import {
  KAFKA_KERNEL,
  KAFKA_LOGGING,
  kafkaUnit,
  serverProperties,
  SESSION_SCRIPT,
} from "./lib/kafka-config";
import { toolPort } from "./lib/kafka-contact";
import {
  advertisedOutside,
  type ClientAccess,
  LISTENER_KEYS,
  listenerPort,
  type Outside,
} from "./lib/kafka-listeners";
import { modesOf, PLAINTEXT, type Security, type SecurityStage } from "./lib/kafka-security";
import { type BrokerTls, type Files, LIVE_TLS_KEYS, tlsFiles } from "./lib/kafka-tls";
import { CLIENT_PORT } from "./lib/zookeeper-config";
import { brokerJaas, jaasFile } from "./lib/zookeeper-security";
import type { LabSecurity } from "./lab-security";
import { itemAt } from "../shared/item-at";
import { fullNames, ordinals } from "./lib/names";
import { readBrokerKeys } from "./lib/kafka-keys";
import { fingerprint } from "./lib/scripts";
import { renderScript } from "../shared/remote-script";
import { operate } from "./operator";
import { founders, installService, type Service, type ServiceNode, serviceWish } from "./service";
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
  security: Security;
  /** Certificates and passwords; undefined if neither mode has any. */
  secrets?: LabSecurity;
  acls: AccessWish["acls"];
  quotas: AccessWish["quotas"];
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
    const { to } = args.security;
    this.bootstrapServers = names.map((fullName) => `${fullName}:${listenerPort("inside", to)}`);
    const hasElasticAddress = args.clientAccess?.way === "elastic-address";
    this.hosts = ordinals(args.brokers).map(
      (ordinal) =>
        new Host(
          `${name}-${ordinal}`,
          { ...args, role, ordinal, hasElasticAddress },
          { parent: this },
        ),
    );
    const outside = this.hosts.map((host, index) => outsideOf(args.clientAccess, host, index + 1));
    this.clientBootstrapServers = outside.flatMap(
      (known) => known?.apply((each) => advertisedOutside(each, to)) ?? [],
    );
    this.targets = pulumi.all(this.hosts.map((host) => host.target)).apply((targets) =>
      targets.map((host, index) => ({
        id: index + 1,
        host,
        server: `${itemAt(names, index)}:${toolPort(args.security)}`,
        rack: itemAt(this.hosts, index).place.zone.id,
      })),
    );
    this.minInSyncReplicas =
      args.further["min.insync.replicas"] === undefined
        ? minInSyncReplicas(args.replicationFactor)
        : undefined;
    const files = this.hosts.map((host, index) =>
      this.filesOf(args, host, index + 1, outside[index]),
    );
    const content = pulumi.all(files).apply((all) =>
      fingerprint(
        all.map((stages) => stages.at(-1)?.config),
        args.version,
        kafkaUnit(args.heapMiB),
        args.instanceType,
      ),
    );
    this.generation = [
      pulumi.unsecret(content),
      ...this.hosts.flatMap(({ instanceId, launchTime }) => [instanceId, launchTime]),
    ];
    this.ready = args.site.running ? [this.start(name, args, files)] : [];
    this.registerOutputs({
      bootstrapServers: this.bootstrapServers,
      clientBootstrapServers: this.clientBootstrapServers,
    });
  }

  /** A broker's files in each stage of a change. */
  private filesOf(
    args: KafkaClusterArgs,
    host: Host,
    id: number,
    outside: pulumi.Output<Outside> | undefined,
  ): pulumi.Output<BrokerFiles[]> {
    const { secrets } = args;
    if (secrets === undefined) {
      return pulumi
        .output(outside)
        .apply((known) => [brokerFiles(args, host, id, PLAINTEXT, known)]);
    }
    const identity = secrets.issueBroker(host, this);
    const ofStages = secrets.stages.map((stage) =>
      pulumi
        .all([outside, secrets.tlsOf(identity, stage), secrets.zooKeeperPasswords])
        .apply(([known, tls, passwords]) =>
          brokerFiles(args, host, id, stage, known, tls, brokerJaas(passwords)),
        ),
    );
    return pulumi.all(ofStages);
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
    files: pulumi.Output<BrokerFiles[]>[],
  ): pulumi.Resource {
    const { site, zookeeper, secrets } = args;
    const service = kafkaService(args);
    const zookeeperRecords = zookeeper.hosts.flatMap((host) => host.records);
    const zones = ordinals(3).map((ordinal) => site.network.place("kafka", ordinal).zone.name);
    const nodes = this.hosts.map((host, index) => serviceNode(args, host, itemAt(files, index)));
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
        wish: pulumi
          .all([this.targets, pulumi.all(files), accessWish(args)])
          .apply(([targets, all, access]): Wish => ({
            kind: "kafka",
            service: serviceWish(service),
            stages: (secrets?.stages ?? [PLAINTEXT]).map(({ znodeAcls }) => ({ znodeAcls })),
            brokers: targets.map((target, index) => ({ ...target, stages: itemAt(all, index) })),
            zookeeper: zookeeper.names.map((node) => `${node}:${CLIENT_PORT}`),
            liveKeys: [...readBrokerKeys(args.version).live, ...LIVE_TLS_KEYS].filter(
              (key) => !LISTENER_KEYS.includes(key),
            ),
            hasUserKeys: hasUserKeys(args),
            replicationFactor: args.replicationFactor,
            smokeTopic: args.smokeTopic,
            moveThrottleMiBps: args.moveThrottleMiBps,
            access,
          })),
        triggers: this.generation,
        // Partitions may take days to move. Every other wait of the operator has its own limit.
        timeoutMinutes: 7 * 24 * 60,
      },
      {
        parent: this,
        dependsOn: [
          ...installed,
          ...this.hosts.flatMap((host) => host.attachments),
          // Brokers can log in only to nodes that accept logins.
          ...(secrets === undefined ? [] : zookeeper.ready),
        ],
      },
    );
  }
}

function outsideOf(
  access: ClientAccess | undefined,
  { elasticIp }: Host,
  id: number,
): pulumi.Output<Outside> | undefined {
  return access?.way === "tunnel"
    ? pulumi.output<Outside>({ place: "tunnel", port: access.firstPort + id - 1 })
    : elasticIp?.apply((address): Outside => ({ place: "client", address }));
}

/** The files of a broker that differ between brokers and between the stages of a change. */
interface BrokerFiles {
  config: string;
  unit: string;
  /** Certificates, keys and passwords by path. */
  secrets: Files;
}

function brokerFiles(
  args: KafkaClusterArgs,
  host: Host,
  id: number,
  stage: SecurityStage,
  outside: Outside | undefined,
  tls?: BrokerTls,
  jaas?: string,
): BrokerFiles {
  const { replicationFactor, heapMiB, version, lines, further } = args;
  const config = serverProperties({
    id,
    advertisedName: host.fullName,
    outside,
    stage,
    tls,
    rack: host.place.zone.id,
    zookeepers: args.zookeeper.names,
    ...{ replicationFactor, heapMiB, version, lines, further },
  });
  const login = stage.authenticatesToZooKeeper ? jaas : undefined;
  const path = login === undefined ? undefined : jaasFile("kafka-server", login);
  return {
    config,
    unit: kafkaUnit(heapMiB, path),
    secrets: {
      ...(tls && tlsFiles(tls)),
      ...(path !== undefined && login !== undefined && { [path]: login }),
    },
  };
}

/** Users, ACLs and quotas. */
function accessWish({
  secrets,
  security,
  acls,
  quotas,
  site,
  brokers,
}: KafkaClusterArgs): pulumi.Output<AccessWish> {
  const port = listenerPort("inside", "sasl");
  const servers = fullNames("kafka", brokers, site.dns.domain).map((name) => `${name}:${port}`);
  const users = (secrets?.users ?? []).map(({ name, password }) =>
    pulumi
      .output(password)
      .apply((known) => ({ name, ...(known !== undefined && { password: known }) })),
  );
  return pulumi.all(users).apply((known) => ({
    ...{ users: known, acls, quotas },
    ...(modesOf(security).includes("sasl") && { saslServers: servers.slice(0, 3) }),
  }));
}

/** A broker as its host installs it: with the files of the wanted state. */
function serviceNode(
  args: KafkaClusterArgs,
  host: Host,
  files: pulumi.Output<BrokerFiles[]>,
): ServiceNode {
  const wanted = files.apply((stages) => itemAt(stages, stages.length - 1));
  return {
    host,
    ...{ config: wanted.config, unit: wanted.unit, secrets: wanted.secrets },
    variables: {
      CHECK: String(hasUserKeys(args)),
      START_SCRIPT_FILE: SESSION_SCRIPT,
      START_SCRIPT: renderScript(["kafka-session.sh"], {}),
    },
    after: [],
  };
}

/** Whether Kafka can reject a key: the lab's own keys need no check. */
function hasUserKeys({ further }: KafkaClusterArgs): boolean {
  return Object.keys(further).length > 0;
}

function kafkaService(args: KafkaClusterArgs): Service {
  const { version, archiveUrl, volume } = args;
  return {
    product: "kafka",
    version,
    archiveUrl,
    volumeGiB: volume.gib,
    data: "/data/kafka-logs",
    configFile: "config/server.properties",
    loggingFile: "config/log4j.properties",
    logging: KAFKA_LOGGING,
    kernel: KAFKA_KERNEL,
    packages: { java: "openjdk-17-jre-headless", kcat: "kcat", xxd: "xxd" },
    installScripts: [...(hasUserKeys(args) ? ["kafka-check.sh"] : []), "kafka-install.sh"],
  };
}
