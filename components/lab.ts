import type { ProviderResource } from "@pulumi/pulumi";
import * as pulumi from "@pulumi/pulumi";
import { Firewall } from "./firewall";
import { type Host, LOGIN_USER } from "./host";
import { KafkaCluster } from "./kafka-cluster";
import { KeyPair } from "./key-pair";
import { endpoints } from "./lib/kafka-config";
import { type Settings } from "./lib/settings";
import { CLIENT_PORT } from "./lib/zookeeper-config";
import { Network, type Zone } from "./network";
import { PrivateDns } from "./private-dns";
import { SmokeTest } from "./smoke-test";
import { ZooKeeperEnsemble } from "./zookeeper-ensemble";

/** What of a host a user needs to know. */
function describe(host: Host) {
  return {
    privateIp: host.place.privateIp,
    publicIp: host.publicIp,
    user: LOGIN_USER,
    ssh: pulumi.interpolate`ssh -i KEYFILE ${LOGIN_USER}@${host.publicIp}`,
    hostKey: host.hostKey,
  };
}

/** Declares the whole lab; the provider decides which cloud fulfils it. */
export function createLab(settings: Settings, zones: Zone[], cloud: ProviderResource) {
  const { archiveUrl, domain, replicationFactor, sshAllowedCidrs, topic, vpcCidr } = settings;
  const opts = { providers: [cloud] };

  const keyName = `${pulumi.getProject()}-${pulumi.getStack()}`;
  const tags = { Project: pulumi.getProject(), Stack: pulumi.getStack(), ...settings.tags };
  const keyPair = new KeyPair("key", { keyName, tags }, opts);
  const network = new Network("network", { cidr: vpcCidr, zones, domain, tags }, opts);
  const { vpcId } = network;
  const firewall = new Firewall("firewall", { vpcId, sshAllowedCidrs, tags }, opts);
  const dns = new PrivateDns("dns", { vpcId, vpcCidr, domain, tags }, opts);
  const site = { network, firewall, keyPair, dns, tags };

  const zookeeper = new ZooKeeperEnsemble(
    "zookeeper",
    {
      site,
      archiveUrl,
      nodes: settings.zookeeperNodes,
      instanceType: settings.zookeeperInstanceType,
      heapMiB: settings.zookeeperHeapMiB,
      volumeGiB: settings.zookeeperVolumeGiB,
      version: settings.zookeeperVersion,
    },
    opts,
  );
  const kafka = new KafkaCluster(
    "kafka",
    {
      site,
      archiveUrl,
      zookeeper,
      replicationFactor,
      brokers: settings.brokers,
      instanceType: settings.brokerInstanceType,
      heapMiB: settings.brokerHeapMiB,
      volumeGiB: settings.brokerVolumeGiB,
      version: settings.kafkaVersion,
    },
    opts,
  );
  const smoke = new SmokeTest("smoke-test", { zookeeper, kafka, topic, replicationFactor }, opts);

  const hosts = [...zookeeper.hosts, ...kafka.hosts];
  return {
    bootstrapServers: kafka.bootstrapServers.join(","),
    zookeeperConnect: endpoints(zookeeper.names, CLIENT_PORT),
    hosts: Object.fromEntries(hosts.map((host) => [host.hostName, describe(host)])),
    privateKey: keyPair.privateKey,
    topic,
    smokeTest: smoke.result,
  };
}
