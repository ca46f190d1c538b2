import type { ProviderResource } from "@pulumi/pulumi";
import * as pulumi from "@pulumi/pulumi";
import { ClientHosts } from "./client-hosts";
import { debianImage } from "./debian-image";
import { labTags } from "./existing-hosts";
import { Firewall } from "./firewall";
import { Host, LOGIN_USER } from "./host";
import { KafkaCluster } from "./kafka-cluster";
import { KeyPair } from "./key-pair";
import { type LabId } from "./lab-id";
import { LabSecurity } from "./lab-security";
import { endpoints } from "./lib/kafka-config";
import { type ClientAccess } from "./lib/kafka-listeners";
import { isSecure, zooKeeperLevel } from "./lib/kafka-security";
import { type Settings } from "./settings";
import { CLIENT_PORT } from "./lib/zookeeper-config";
import { Network, type Zone } from "./network";
import { PrivateDns } from "./private-dns";
import type { Site } from "./site";
import { SmokeTest } from "./smoke-test";
import { Topics } from "./topics";
import { ZooKeeperEnsemble } from "./zookeeper-ensemble";

/** The facts that the program looks up before it declares resources. */
export interface Findings {
  zones: Zone[];
  id: LabId;
  /** Whether the lab has no host yet. */
  isNew: boolean;
}

/** Declares the whole lab. The provider determines the cloud. */
export function createLab(settings: Settings, found: Findings, cloud: ProviderResource) {
  const { archiveUrl, replicationFactor, running, topic, topics } = settings;
  const opts = { providers: [cloud] };
  const site = createSite(settings, found, cloud);
  const secrets = isSecure(settings.security)
    ? new LabSecurity("security", { settings }, opts)
    : undefined;
  const zookeeper = new ZooKeeperEnsemble(
    "zookeeper",
    {
      site,
      archiveUrl,
      nodes: settings.zookeeperNodes,
      instanceType: settings.zookeeperInstanceType,
      heapMiB: settings.zookeeperHeapMiB,
      volume: settings.zookeeperVolume,
      version: settings.zookeeperVersion,
      lines: settings.zookeeperLines,
      further: settings.zookeeperConfig,
      ...(secrets && {
        security: {
          level: zooKeeperLevel(settings.security),
          isChanging: settings.security.from !== settings.security.to,
          passwords: secrets.zooKeeperPasswords,
        },
      }),
    },
    opts,
  );
  const kafka = createKafka(settings, site, zookeeper, secrets, opts);
  const clients = createClients(settings, site, opts);
  const bastions = site.bastion === undefined ? [] : [site.bastion];
  const smoke = running
    ? new SmokeTest("smoke-test", { zookeeper, kafka, topic, replicationFactor }, opts)
    : undefined;
  if (running && topics.length > 0) {
    new Topics("topics", { kafka, topics, smokeTopic: topic }, opts);
  }
  if (!running) {
    pause([clients, kafka.hosts, zookeeper.hosts, bastions]);
  }

  const hosts = [...zookeeper.hosts, ...kafka.hosts, ...clients, ...bastions];
  return {
    bootstrapServers: kafka.bootstrapServers.join(","),
    clientBootstrapServers: pulumi
      .all(kafka.clientBootstrapServers)
      .apply((servers) => servers.join(",")),
    security: { ...settings.security, ...(secrets && { ends: secrets.ends }) },
    // Pulumi warns of an output that is undefined.
    clientSecurity: (settings.security.to !== "plaintext" && secrets?.clientSecurity) || null,
    zookeeperConnect: endpoints(zookeeper.names, CLIENT_PORT),
    hosts: Object.fromEntries(hosts.map((host) => [host.hostName, describe(host)])),
    privateKey: site.keyPair.privateKey,
    topic,
    smokeTest: smoke?.result,
  };
}

/** Declares the Kafka cluster. */
function createKafka(
  settings: Settings,
  site: Site,
  zookeeper: ZooKeeperEnsemble,
  secrets: LabSecurity | undefined,
  opts: pulumi.ComponentResourceOptions,
): KafkaCluster {
  return new KafkaCluster(
    "kafka",
    {
      site,
      archiveUrl: settings.archiveUrl,
      zookeeper,
      replicationFactor: settings.replicationFactor,
      clientAccess: clientAccess(settings),
      security: settings.security,
      secrets,
      acls: settings.acls,
      quotas: settings.quotas,
      brokers: settings.brokers,
      instanceType: settings.brokerInstanceType,
      heapMiB: settings.brokerHeapMiB,
      volume: settings.brokerVolume,
      version: settings.kafkaVersion,
      lines: settings.brokerLines,
      further: settings.brokerConfig,
      moveThrottleMiBps: settings.moveThrottleMiBps,
      smokeTopic: settings.topic,
    },
    opts,
  );
}

/** How clients outside the VPC reach the brokers; undefined if they cannot. */
function clientAccess({ topology, tunnelPort, clientCidrs }: Settings): ClientAccess | undefined {
  if (topology === "private") {
    return { way: "tunnel", firstPort: tunnelPort };
  }
  return clientCidrs.length > 0 ? { way: "elastic-address" } : undefined;
}

/** Declares the client hosts, if the lab has any. */
function createClients(
  { archiveUrl, clients, clientInstanceType, kafkaVersion }: Settings,
  site: Site,
  opts: pulumi.ComponentResourceOptions,
): Host[] {
  if (clients === 0) {
    return [];
  }
  return new ClientHosts(
    "client",
    {
      site,
      archiveUrl,
      count: clients,
      instanceType: clientInstanceType,
      version: kafkaVersion,
    },
    opts,
  ).hosts;
}

/** Declares the resources that all hosts share, and the bastion of the private topology. */
function createSite(
  settings: Settings,
  { zones, id, isNew }: Findings,
  cloud: ProviderResource,
): Site {
  const { architecture, clientCidrs, domain, running, sshAllowedCidrs, topology, vpcCidr } =
    settings;
  const opts = { providers: [cloud] };
  const behindBastion = topology === "private";
  const keyName = `${pulumi.getProject()}-${pulumi.getStack()}-${id.id}`;
  const tags = { ...labTags(id), ...settings.tags };
  const keyPair = new KeyPair("key", { keyName, tags }, opts);
  const network = new Network(
    "network",
    { cidr: vpcCidr, zones, hosts: topology, outbound: running, domain, tags },
    opts,
  );
  const { vpcId } = network;
  const firewall = new Firewall(
    "firewall",
    {
      ...{ vpcId, sshAllowedCidrs, clientAllowedCidrs: clientCidrs, behindBastion, tags },
      security: settings.security,
      hasClients: settings.clients > 0,
    },
    opts,
  );
  const dns = new PrivateDns("dns", { vpcId, vpcCidr, domain, tags }, opts);
  const image = debianImage(architecture, { provider: cloud });
  const site: Site = { network, firewall, keyPair, dns, image, running, isNew, tags };
  if (!behindBastion) {
    return site;
  }
  const instanceType = settings.bastionInstanceType;
  const bastion = new Host("bastion", { site, role: "bastion", ordinal: 1, instanceType }, opts);
  return { ...site, bastion };
}

/** Stops hosts group by group: clients before brokers, which need ZooKeeper for a controlled shutdown. */
function pause(groups: Host[][]): void {
  groups.reduce<pulumi.Resource[]>(
    (stopped, hosts) => [...stopped, ...hosts.map((host) => host.stop(stopped))],
    [],
  );
}

/** The output about a host. */
function describe(host: Host) {
  const address = host.via === undefined ? host.publicIp : host.place.privateIp;
  const jump =
    host.via &&
    pulumi.interpolate`-o ProxyCommand="ssh -i KEYFILE -W %h:%p ${LOGIN_USER}@${host.via.publicIp}" `;
  return {
    privateIp: host.place.privateIp,
    publicIp: host.publicIp,
    user: LOGIN_USER,
    ssh: pulumi.interpolate`ssh -i KEYFILE ${jump ?? ""}${LOGIN_USER}@${address}`,
    hostKey: host.hostKey,
    ...(host.via && { via: host.via.hostName }),
  };
}
