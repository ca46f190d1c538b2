import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { type Pins } from "../../components/lib/archive-pins";
import {
  fullNames,
  hostName,
  longestHostName,
  MOST_HOSTS,
  ordinals,
  type Role,
} from "../../components/lib/names";
import { readSettings, SETTINGS } from "../../components/settings";
import { ACCESS_FAULTS, type Fault } from "./support/access-faults";
import { SECURITY_FAULTS } from "./support/security-faults";
import { declareLab, registered } from "./support/graph";

const PINS: Pins = {
  kafka: { "3.9.1": [{ file: "kafka.tgz", sha512: "0", origin: "apache" }] },
  zookeeper: {
    "3.8.3": [{ file: "zookeeper-3.8.3-maven.tar", sha512: "0", origin: "maven" }],
    "3.8.4": [{ file: "zookeeper.tar.gz", sha512: "0", origin: "apache" }],
  },
};

function read(settings: Record<string, string>) {
  return readSettings(
    Object.fromEntries(Object.entries(settings).map(([key, value]) => [`kafkalab:${key}`, value])),
    PINS,
    "x86_64",
  );
}

const OWN = "find your own address with: curl https://checkip.amazonaws.com";
const VPC = "Take one such as 10.20.0.0/16";
const DOMAIN = "Take one such as foo.bar";
const AWS = { target: "aws", sshAllowedCidrs: '["203.0.113.7/32"]' };
const ARCHIVES = "Leave it out to take Apache's servers, or name a mirror of the same layout";
const TYPE = "Take one such as t3.medium (x86_64) or t4g.medium (arm64)";

const FAULTS: Fault[] = [
  [
    "misspelt name",
    { broker: "3" },
    `broker": its name must be that of a setting; got "broker". Did you mean kafkalab:brokers? Remove it with: pulumi config rm kafkalab:broker.`,
  ],
  [
    "unknown name",
    { colour: "red" },
    `colour": its name must be that of a setting; got "colour". Remove it with: pulumi config rm kafkalab:colour.`,
  ],
  [
    "not a number",
    { brokers: "three" },
    `brokers": it must be a whole number; got "three". Set it with: pulumi config set kafkalab:brokers 3.`,
  ],
  [
    "a fraction",
    { brokerHeapMiB: "1.5" },
    `brokerHeapMiB": it must be a whole number; got "1.5". Set it with: pulumi config set kafkalab:brokerHeapMiB 1024.`,
  ],
  [
    "a number of ten digits",
    { brokers: "1073741824" },
    `brokers": it must be from 1 to 300; got 1073741824. Take 3.`,
  ],
  [
    "a number that JavaScript rounds",
    { brokers: "99999999999999999999" },
    `brokers": it must be from -9007199254740991 to 9007199254740991; got "99999999999999999999". Set it with: pulumi config set kafkalab:brokers 3.`,
  ],
  [
    "no broker",
    { brokers: "0", replicationFactor: "1" },
    `brokers": it must be from 1 to 300; got 0. Take 3.`,
  ],
  [
    "even ensemble",
    { zookeeperNodes: "4" },
    `zookeeperNodes": it must be odd; got 4. 4 nodes survive the loss of no more than 3 do; take 3 or 5.`,
  ],
  [
    "no ensemble",
    { zookeeperNodes: "0" },
    `zookeeperNodes": it must be from 1 to 9; got 0. Take 3; 5 survive the loss of two.`,
  ],
  [
    "more replicas than brokers",
    { replicationFactor: "4" },
    `replicationFactor": it must not be above the number of brokers (3); got 4. Set kafkalab:replicationFactor to 3 or less, or have 4 brokers.`,
  ],
  [
    "default replicas, one broker",
    { brokers: "1" },
    `replicationFactor": it must not be above the number of brokers (1); got 3. Set kafkalab:replicationFactor to 1 or less, or have 3 brokers.`,
  ],
  [
    "no throughput for moves",
    { moveThrottleMiBps: "0" },
    `moveThrottleMiBps": it must be from 1 to 10000 (MiB/s); got 0. Take 25, or as much as the network and the volumes can spare.`,
  ],
  [
    "no retention",
    { logRetentionHours: "0" },
    `logRetentionHours": it must be from 1 to 87600 (hours); got 0. Take 72, which is three days.`,
  ],
  [
    "retention of more than ten years",
    { logRetentionHours: "87601" },
    `logRetentionHours": it must be from 1 to 87600 (hours); got 87601. Take 72, which is three days.`,
  ],
  [
    "no replica",
    { replicationFactor: "0" },
    `replicationFactor": it must be 1 or more; got 0. Take 3, or as many as there are brokers.`,
  ],
  [
    "Kafka without ZooKeeper",
    { kafkaVersion: "4.0.0" },
    `kafkaVersion": it must be below 4.0, since Kafka 4 has no ZooKeeper; got "4.0.0". Take 3.9.1.`,
  ],
  [
    "Kafka without checksum",
    { kafkaVersion: "3.8.0" },
    `kafkaVersion": it must be a version whose checksum is pinned (3.9.1); got "3.8.0". Take 3.9.1, or add the archive and its SHA-512 to components/lib/archives.json.`,
  ],
  [
    "ZooKeeper without checksum",
    { zookeeperVersion: "3.8.1" },
    `zookeeperVersion": it must be a version whose checksum is pinned (3.8.3, 3.8.4); got "3.8.1". Take 3.8.4, or add the archive and its SHA-512 to components/lib/archives.json.`,
  ],
  [
    "ZooKeeper of another line",
    { zookeeperVersion: "3.9.2" },
    `zookeeperVersion": it must be a release of 3.8, which is what Kafka 3.9 uses; got "3.9.2". Take 3.8.4.`,
  ],
  [
    "no CIDR",
    { vpcCidr: "10.20.0.0" },
    `vpcCidr": it must be an IPv4 CIDR; got "10.20.0.0". ${VPC}.`,
  ],
  [
    "stray bits",
    { vpcCidr: "10.20.1.0/16" },
    `vpcCidr": it must start at the first address of its block; got "10.20.1.0/16". Write it as 10.20.0.0/16.`,
  ],
  [
    "VPC too wide",
    { vpcCidr: "10.0.0.0/8" },
    `vpcCidr": it must be between a /16 and a /25; got "10.0.0.0/8". ${VPC}.`,
  ],
  [
    "public VPC",
    { vpcCidr: "198.18.0.0/16" },
    `vpcCidr": it must lie in one of the private ranges 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10; got "198.18.0.0/16". ${VPC}.`,
  ],
  [
    "too few addresses",
    { vpcCidr: "10.20.0.0/25", brokers: "11" },
    `vpcCidr": it must have an address for each of the 11 brokers (this one has room for 10); got "10.20.0.0/25". Choose a wider block, such as 10.20.0.0/16, or fewer brokers.`,
  ],
  [
    "a narrow VPC with many clients",
    { vpcCidr: "10.20.0.0/25", clients: "7" },
    `vpcCidr": it must have an address for each of the 7 client hosts (this one has room for 6 beside 3 brokers); got "10.20.0.0/25". Choose a wider block, such as 10.20.0.0/16, or fewer client hosts or brokers.`,
  ],
  ["fewer than no client", { clients: "-1" }, `clients": it must be from 0 to 20; got -1. Take 1.`],
  ["too many clients", { clients: "21" }, `clients": it must be from 0 to 20; got 21. Take 1.`],
  [
    "half a client",
    { clients: "0.5" },
    `clients": it must be a whole number; got "0.5". Set it with: pulumi config set kafkalab:clients 0.`,
  ],
  [
    "clients of another architecture",
    { ...AWS, architecture: "arm64", clientInstanceType: "t3.small" },
    `clientInstanceType": it must be of the architecture arm64 (this one is x86_64); got "t3.small". ${TYPE}, or set kafkalab:architecture to x86_64.`,
  ],
  [
    "SSH for nobody on AWS",
    { target: "aws" },
    `sshAllowedCidrs": it must name the addresses that may use SSH; got none. On AWS there is no default; ${OWN} and set it with: pulumi config set --path 'kafkalab:sshAllowedCidrs[0]' ADDRESS/32.`,
  ],
  [
    "SSH for the world",
    { sshAllowedCidrs: '["0.0.0.0/0"]' },
    `sshAllowedCidrs": it must not open SSH to the whole internet; got "0.0.0.0/0". Name your own: ${OWN}.`,
  ],
  [
    "SSH for the IPv6 world",
    { sshAllowedCidrs: '["::/0"]' },
    `sshAllowedCidrs": it must not open SSH to the whole internet; got "::/0". Name your own: ${OWN}.`,
  ],
  [
    "SSH for half the world",
    { sshAllowedCidrs: '["128.0.0.0/1"]' },
    `sshAllowedCidrs": it must not open SSH to more than a /8; got "128.0.0.0/1". Name your own: ${OWN}.`,
  ],
  [
    "SSH for a bare address",
    { sshAllowedCidrs: '["203.0.113.7"]' },
    `sshAllowedCidrs": it must hold IPv4 CIDRs; got "203.0.113.7". A single address ends in /32; ${OWN}.`,
  ],
  [
    "overlapping CIDRs",
    { sshAllowedCidrs: '["203.0.113.0/24","203.0.113.7/32"]' },
    `sshAllowedCidrs": it must hold blocks that do not overlap; got ["203.0.113.0/24","203.0.113.7/32"]. Leave out the narrower one (203.0.113.7/32).`,
  ],
  [
    "Kafka for the world",
    { clientAllowedCidrs: '["0.0.0.0/0"]' },
    `clientAllowedCidrs": it must not open Kafka to the whole internet; got "0.0.0.0/0". Name your own: ${OWN}.`,
  ],
  [
    "Kafka for a host name",
    { clientAllowedCidrs: '["laptop.corp.kr"]' },
    `clientAllowedCidrs": it must hold IPv4 CIDRs; got "laptop.corp.kr". A single address ends in /32; ${OWN}.`,
  ],
  [
    "Kafka for overlapping CIDRs",
    { ...AWS, clientAllowedCidrs: '["203.0.113.0/24","203.0.113.7/32"]' },
    `clientAllowedCidrs": it must hold blocks that do not overlap; got ["203.0.113.0/24","203.0.113.7/32"]. Leave out the narrower one (203.0.113.7/32).`,
  ],
  [
    "Kafka for nobody and somebody",
    { ...AWS, clientAllowedCidrs: '["none","203.0.113.7/32"]' },
    `clientAllowedCidrs": it must hold blocks or none, not both; got ["none","203.0.113.7/32"]. Leave out none, or everything else.`,
  ],
  [
    "Kafka without this machine's addresses",
    { clientAllowedCidrs: '["203.0.113.7/32"]' },
    `clientAllowedCidrs": it must hold 198.18.0.0/15 or a part of it on the local target, where this machine has its address; got ["203.0.113.7/32"]. Leave it out to take that block.`,
  ],
  [
    "addresses for Kafka in the private topology",
    { topology: "private", clientAllowedCidrs: '["198.18.0.0/15"]' },
    `clientAllowedCidrs": it must be left out in the private topology, where clients come through npm run tunnel; got ["198.18.0.0/15"]. Remove it with: pulumi config rm kafkalab:clientAllowedCidrs.`,
  ],
  [
    "a tunnel to a privileged port",
    { tunnelPort: "1000" },
    `tunnelPort": it must be from 1024 to 65533, so that there is a port for each of the 3 brokers; got 1000. Take 19092.`,
  ],
  [
    "a tunnel with too few ports",
    { tunnelPort: "65530", brokers: "9" },
    `tunnelPort": it must be from 1024 to 65527, so that there is a port for each of the 9 brokers; got 65530. Take 19092.`,
  ],
  [
    "no list",
    { sshAllowedCidrs: "203.0.113.7/32" },
    `sshAllowedCidrs": it must be a list of texts; got "203.0.113.7/32". Set it with: pulumi config set --path 'kafkalab:sshAllowedCidrs[0]' VALUE.`,
  ],
  [
    "type too small",
    { brokerInstanceType: "t3.micro" },
    `brokerInstanceType": it must have memory for a heap of 1024 MiB (at most 50 % of it, 512 MiB here); got "t3.micro". Take a larger type, or set kafkalab:brokerHeapMiB to 512 or less.`,
  ],
  [
    "heap too large",
    { zookeeperHeapMiB: "2048" },
    `zookeeperInstanceType": it must have memory for a heap of 2048 MiB (at most 75 % of it, 1536 MiB here); got "t3.small". Take a larger type, or set kafkalab:zookeeperHeapMiB to 1536 or less.`,
  ],
  [
    "heap too small",
    { brokerHeapMiB: "1" },
    `brokerHeapMiB": it must be from 64 to 65536 (MiB); got 1. Take 512 for ZooKeeper and 1024 or more for a broker.`,
  ],
  [
    "heap of ZooKeeper too small",
    { zookeeperHeapMiB: "1" },
    `zookeeperHeapMiB": it must be from 64 to 65536 (MiB); got 1. Take 512 for ZooKeeper and 1024 or more for a broker.`,
  ],
  [
    "no such size",
    { zookeeperInstanceType: "t3.meduim" },
    `zookeeperInstanceType": it must be a size that the t3 family has (nano, micro, small, medium, large, xlarge, 2xlarge); got "t3.meduim". ${TYPE}.`,
  ],
  [
    "type before Nitro",
    { brokerInstanceType: "t2.medium" },
    `brokerInstanceType": it must be a type on Nitro, where a data volume is found by its volume id; got "t2.medium". ${TYPE}.`,
  ],
  [
    "no volume",
    { brokerVolumeGiB: "0" },
    `brokerVolumeGiB": it must be from 1 to 65536 (GiB of gp3); got 0. Take 20.`,
  ],
  [
    "no volume of ZooKeeper",
    { zookeeperVolumeGiB: "0" },
    `zookeeperVolumeGiB": it must be from 1 to 65536 (GiB of gp3); got 0. Take 20.`,
  ],
  [
    "a volume type that EBS lacks, for ZooKeeper",
    { zookeeperVolumeType: "gp4" },
    `zookeeperVolumeType": it must be one of gp3, gp2, io2, io1, st1; got "gp4". Choose gp3 or gp2 or io2 or io1 or st1.`,
  ],
  [
    "a volume type that EBS lacks",
    { brokerVolumeType: "gp4" },
    `brokerVolumeType": it must be one of gp3, gp2, io2, io1, st1; got "gp4". Choose gp3 or gp2 or io2 or io1 or st1.`,
  ],
  [
    "a volume too small for its type",
    { brokerVolumeType: "st1" },
    `brokerVolumeGiB": it must be from 125 to 16384 (GiB of st1); got 20. Take 125.`,
  ],
  [
    "too few IOPS",
    { zookeeperVolumeIops: "100" },
    `zookeeperVolumeIops": it must be from 3000 to 80000 (IOPS of gp3); got 100. Take 3000.`,
  ],
  [
    "too many IOPS for the size",
    { brokerVolumeIops: "12000" },
    `brokerVolumeIops": it must not be above 500 a GiB, so 10000 for 20 GiB of gp3; got 12000. Take 10000 or less, or a larger volume.`,
  ],
  [
    "no IOPS where the type brings none",
    { brokerVolumeType: "io2" },
    `brokerVolumeIops": it must be set for io2, which brings none; got 0. Take 100 or more, or the type gp3.`,
  ],
  [
    "IOPS where the type takes none",
    { brokerVolumeType: "gp2", brokerVolumeIops: "3000" },
    `brokerVolumeIops": it must not be set for gp2, which takes none; got 3000. Leave it out, or take gp3.`,
  ],
  [
    "throughput out of range",
    { brokerVolumeThroughputMiBps: "5000" },
    `brokerVolumeThroughputMiBps": it must be from 125 to 2000 (MiB/s of gp3); got 5000. Take 125.`,
  ],
  [
    "throughput above what the IOPS carry",
    { brokerVolumeThroughputMiBps: "1000" },
    `brokerVolumeThroughputMiBps": it must not be above 0.25 MiB/s per IOPS, so 750 here; got 1000. Take 750 or less, or set kafkalab:brokerVolumeIops to 4000.`,
  ],
  [
    "throughput where the type takes none",
    { zookeeperVolumeType: "gp2", zookeeperVolumeThroughputMiBps: "250" },
    `zookeeperVolumeThroughputMiBps": it must not be set for gp2, which takes none; got 250. Leave it out, or take gp3.`,
  ],
  [
    "no topology",
    { topology: "hybrid" },
    `topology": it must be one of public, private; got "hybrid". Choose public or private.`,
  ],
  [
    "neither yes nor no",
    { running: "no" },
    `running": it must be true or false; got "no". Set it with: pulumi config set kafkalab:running true.`,
  ],
  [
    "another machine's architecture",
    { architecture: "arm64" },
    `architecture": it must be this machine's (x86_64) on the local target; got "arm64". Leave it out.`,
  ],
  [
    "no architecture",
    { ...AWS, architecture: "amd64" },
    `architecture": it must be one of x86_64, arm64; got "amd64". Choose x86_64 or arm64.`,
  ],
  [
    "a type of another architecture",
    { brokerInstanceType: "m7g.large" },
    `brokerInstanceType": it must be of the architecture x86_64 (this one is arm64); got "m7g.large". ${TYPE}, or set kafkalab:architecture to arm64.`,
  ],
  [
    "a bastion of another architecture",
    { ...AWS, architecture: "arm64", bastionInstanceType: "t3.nano" },
    `bastionInstanceType": it must be of the architecture arm64 (this one is x86_64); got "t3.nano". ${TYPE}, or set kafkalab:architecture to x86_64.`,
  ],
  [
    "no zone",
    { availabilityZones: '["a","ap-northeast-2b"]' },
    `availabilityZones": it must hold names of availability zones; got "a". Take such as ap-northeast-2a.`,
  ],
  [
    "one zone",
    { availabilityZones: '["ap-northeast-2a"]' },
    `availabilityZones": it must hold 2 to 3 different zones, or none; got ["ap-northeast-2a"]. Leave it out to take the first ones of the region.`,
  ],
  [
    "bad domain",
    { domain: "Foo_Bar" },
    `domain": it must be two or more labels of lower-case letters, digits and inner hyphens, joined by dots; got "Foo_Bar". ${DOMAIN}.`,
  ],
  [
    "a domain that ends in a number",
    { domain: "foo.10" },
    `domain": it must not end in a number, which resolvers take for the end of an address; got "foo.10". ${DOMAIN}.`,
  ],
  [
    "a domain of the cloud",
    { domain: "ec2.internal" },
    `domain": it must not be a domain that the cloud itself uses; got "ec2.internal". ${DOMAIN}.`,
  ],
  [
    "a domain that would hide Debian's servers",
    { domain: "debian.org" },
    `domain": it must not be a domain in which hosts look up servers for downloads and time, since the lab's zone would hide them; got "debian.org". ${DOMAIN}.`,
  ],
  [
    "a domain that would hide the server of archives",
    { domain: "corp.kr", archiveUrl: "http://mirror.corp.kr/apache" },
    `domain": it must not hold mirror.corp.kr (kafkalab:archiveUrl), which the lab's zone would hide from hosts; got "corp.kr". ${DOMAIN}.`,
  ],
  [
    "a domain too long for host names",
    { domain: "kafka.seoul.platform-engineering.example-corporation.co.kr" },
    `domain": it must have at most 48 characters, since a host name with its domain, such as peter-bastion01.foo.bar, has at most 64; got "kafka.seoul.platform-engineering.example-corporation.co.kr". Shorten it by 10.`,
  ],
  [
    "bad topic",
    { topic: "peter overview" },
    `topic": it must be 1 to 249 letters, digits, dots, hyphens and underscores, and start with no two underscores; got "peter overview". Take one such as peter-overview01.`,
  ],
  [
    "topics that are no objects",
    { topics: '{"orders":3}' },
    `topics": it must be objects by name; got "{\\"orders\\":3}". Set it with: pulumi config set --path kafkalab:topics.NAME.FIELD VALUE.`,
  ],
  [
    "a bad name of a topic",
    { topics: '{"a b":{"partitions":1}}' },
    `topics.a b": it must be 1 to 249 letters, digits, dots, hyphens and underscores, and start with no two underscores; got "a b". Take one such as peter-overview01.`,
  ],
  [
    "the smoke test's topic",
    { topics: '{"peter-overview01":{"partitions":1}}' },
    `topics.peter-overview01": it must not be the topic of the smoke test (kafkalab:topic), which has one partition; got "peter-overview01". Choose another name for one of the two.`,
  ],
  [
    "a strange field of a topic",
    { topics: '{"orders":{"partitions":1,"colour":"red"}}' },
    `topics.orders": it must hold partitions, replicationFactor, config, deleted only; got "colour". Leave it out.`,
  ],
  [
    "a topic without partitions",
    { topics: '{"orders":{}}' },
    `topics.orders.partitions": it must be a whole number from 1 to 10000; got "none". Take as many as there will be consumers in a group; it can grow later.`,
  ],
  [
    "too many partitions",
    { topics: '{"orders":{"partitions":10001}}' },
    `topics.orders.partitions": it must be a whole number from 1 to 10000; got 10001. Take as many as there will be consumers in a group; it can grow later.`,
  ],
  [
    "more replicas of a topic than brokers",
    { topics: '{"orders":{"partitions":1,"replicationFactor":4}}' },
    `topics.orders.replicationFactor": it must be from 1 to the number of brokers (3); got 4. Leave it out to take kafkalab:replicationFactor.`,
  ],
  [
    "replicas of a topic that are no number",
    { topics: '{"orders":{"partitions":1,"replicationFactor":"2"}}' },
    `topics.orders.replicationFactor": it must be a whole number; got "2". Leave it out to take kafkalab:replicationFactor.`,
  ],
  [
    "a bad setting of a topic",
    { topics: '{"orders":{"partitions":1,"config":{"retention.ms":"1\\n2"}}}' },
    `topics.orders.config": it must hold values of one line of ASCII, without backslash and blanks at its ends; got ["retention.ms","1\\n2"]. Write it without them.`,
  ],
  [
    "a misspelt setting of a topic",
    { topics: '{"orders":{"partitions":1,"config":{"retention.msec":1}}}' },
    `topics.orders.config": it must hold keys of topics that Kafka 3.9.1 knows; got ["retention.msec",1]. Write retention.ms, or leave it out.`,
  ],
  [
    "settings of a topic that are none",
    { topics: '{"orders":{"partitions":1,"config":"retention.ms=1"}}' },
    `topics.orders.config": it must hold values by name, such as retention.ms: 86400000; got "retention.ms=1". See https://kafka.apache.org/39/documentation.html#topicconfigs.`,
  ],
  [
    "more in-sync replicas than a topic has copies",
    {
      topics:
        '{"orders":{"partitions":1,"replicationFactor":2,"config":{"min.insync.replicas":3}}}',
    },
    `topics.orders.config": it must ask for no more in-sync replicas than the topic has (2); got ["min.insync.replicas",3]. Lower it, or raise the topic's replicationFactor.`,
  ],
  [
    "topics that Kafka's metrics cannot tell apart",
    { topics: '{"pay.ments":{"partitions":1},"pay_ments":{"partitions":1}}' },
    `topics.pay_ments": it must differ from pay.ments in more than dots and underscores; got "pay_ments". Choose another name for one of the two.`,
  ],
  [
    "a number of a topic that Pulumi has rounded",
    { topics: '{"orders":{"partitions":1,"config":{"retention.ms":18446744073709552000}}}' },
    `topics.orders.config": it must hold numbers of at most 64 bits, since Pulumi rounds larger ones; got ["retention.ms",18446744073709552000]. Write the value in quotes.`,
  ],
  [
    "a deletion that is neither yes nor no",
    { topics: '{"orders":{"partitions":1,"deleted":"yes"}}' },
    `topics.orders.deleted": it must be true or false; got "yes". Leave it out, or set it to true to delete the topic.`,
  ],
  [
    "bad URL",
    { archiveUrl: "archive.apache.org/dist/" },
    `archiveUrl": it must be an http or https URL without user, query or a slash at its end; got "archive.apache.org/dist/". ${ARCHIVES}.`,
  ],
  [
    "a port that hosts do not reach",
    { archiveUrl: "http://mirror.corp.kr:8081/apache" },
    `archiveUrl": it must have the port 80 or 443, which are all that the firewall lets hosts reach; got "http://mirror.corp.kr:8081/apache". ${ARCHIVES}.`,
  ],
  [
    "the loopback as a server",
    { archiveUrl: "http://127.0.0.1/apache" },
    `archiveUrl": it must not be the loopback, which on each host is the host itself; got "http://127.0.0.1/apache". ${ARCHIVES}.`,
  ],
  [
    "the local cloud's mirror on AWS",
    { ...AWS, archiveUrl: "http://mirror.local-cloud.internal" },
    `archiveUrl": it must not be mirror.local-cloud.internal, which only the local target has; got "http://mirror.local-cloud.internal". ${ARCHIVES}.`,
  ],
  [
    "a version that only set-up packs, from Apache's servers",
    { ...AWS, zookeeperVersion: "3.8.3" },
    `zookeeperVersion": it must be a version that is pinned in the form in which Apache's servers have it (3.8.4); got "3.8.3". Take 3.8.4, or set kafkalab:archiveUrl to a server of your own that has zookeeper-3.8.3-maven.tar.`,
  ],
  [
    "addresses for SSH without this machine's",
    { sshAllowedCidrs: '["203.0.113.7/32"]' },
    `sshAllowedCidrs": it must hold 198.18.0.0/15 or a part of it on the local target, where this machine has its address; got ["203.0.113.7/32"]. Leave it out to take that block.`,
  ],
  [
    "a size that an instance type inherits from JavaScript",
    { brokerInstanceType: "t3.constructor" },
    `brokerInstanceType": it must be a size that the t3 family has (nano, micro, small, medium, large, xlarge, 2xlarge); got "t3.constructor". ${TYPE}.`,
  ],
  [
    "bad target",
    { target: "gcp" },
    `target": it must be one of local, aws; got "gcp". Choose local or aws.`,
  ],
  [
    "bad region",
    { region: "Seoul" },
    `region": it must be the name of an AWS region; got "Seoul". Take one such as ap-northeast-2.`,
  ],
  ...["Name", "Project", "Stack", "Lab", "stoporder", "aws:x"].map((key): Fault => [
    `a tag that is taken: ${key}`,
    { tags: JSON.stringify({ [key]: "x" }) },
    `tags": it must not set Name, Project, Stack, Lab, StopOrder or names that start with aws:, which are taken; got ["${key}","x"]. Choose another name.`,
  ]),
  [
    "a tag without a value",
    { tags: '{"team":null}' },
    `tags": it must hold a text, a number, true or false for each key; got ["team",null]. Write a key with dots in quotes, and give it a value or leave it out.`,
  ],
  [
    "a tag that YAML reads as a date",
    { tags: '{"since":"2024-01-01 00:00:00 +0000 UTC"}' },
    `tags": it must hold no dates without quotes, which Pulumi rewrites; got ["since","2024-01-01 00:00:00 +0000 UTC"]. Write the value in quotes.`,
  ],
  [
    "more tags than AWS takes",
    { tags: JSON.stringify(Object.fromEntries(ordinals(46).map((n) => [`t${n}`, n]))) },
    `tags": it must hold at most 45 tags, since a resource has at most 50 with the lab's own; got ${JSON.stringify(Object.fromEntries(ordinals(46).map((n) => [`t${n}`, String(n)])))}. Leave out 1.`,
  ],
  [
    "tags that are a list",
    { tags: '["team"]' },
    `tags": it must be values by key; got "[\\"team\\"]". Set it with: pulumi config set --path 'kafkalab:tags["KEY"]' VALUE.`,
  ],
  [
    "a number that Pulumi has rounded",
    { brokerConfig: '{"log.flush.interval.messages":1e+21}' },
    `brokerConfig": it must hold numbers of at most 64 bits, since Pulumi rounds larger ones; got ["log.flush.interval.messages","1e+21"]. Write the value in quotes.`,
  ],
  [
    "a broker's id by hand",
    { brokerConfig: '{"broker.id":7}' },
    `brokerConfig": it must hold no key that follows from kafkalab:brokers; got ["broker.id","7"]. Leave it out, or change kafkalab:brokers.`,
  ],
  [
    "a broker's key that is a setting",
    { brokerConfig: '{"log.retention.hours":48}' },
    `brokerConfig": it must hold no key that follows from kafkalab:logRetentionHours; got ["log.retention.hours","48"]. Leave it out, or change kafkalab:logRetentionHours.`,
  ],
  [
    "listeners by hand",
    { brokerConfig: '{"listeners":"PLAINTEXT://:9092"}' },
    `brokerConfig": it must hold no key that the lab itself decides; got ["listeners","PLAINTEXT://:9092"]. Leave it out.`,
  ],
  [
    "a misspelt key of a broker",
    { brokerConfig: '{"num.io.thread":"16"}' },
    `brokerConfig": it must hold keys that Kafka 3.9.1 knows; got ["num.io.thread","16"]. Write num.io.threads, or leave it out.`,
  ],
  [
    "an unknown key of a broker",
    { brokerConfig: '{"colour":"red"}' },
    `brokerConfig": it must hold keys that Kafka 3.9.1 knows; got ["colour","red"]. Leave it out.`,
  ],
  [
    "a value of two lines",
    { brokerConfig: '{"num.io.threads":"16\\nbroker.id=7"}' },
    `brokerConfig": it must hold values of one line of ASCII, without backslash and blanks at its ends; got ["num.io.threads","16\\nbroker.id=7"]. Write it without them.`,
  ],
  [
    "keys below one another",
    { brokerConfig: '{"num":{"io":{"threads":16}}}' },
    `brokerConfig": it must hold a text, a number, true or false for each key; got ["num",{"io":{"threads":16}}]. Write a key with dots in quotes, and give it a value or leave it out.`,
  ],
  [
    "a server of ZooKeeper by hand",
    { zookeeperConfig: '{"server.4":"x:2888:3888"}' },
    `zookeeperConfig": it must hold no key that follows from kafkalab:zookeeperNodes; got ["server.4","x:2888:3888"]. Leave it out, or change kafkalab:zookeeperNodes.`,
  ],
  [
    "a misspelt key of ZooKeeper",
    { zookeeperConfig: '{"ticktime":"2000"}' },
    `zookeeperConfig": it must hold keys that ZooKeeper 3.8 knows; got ["ticktime","2000"]. Write tickTime, or leave it out.`,
  ],
  [
    "metrics of ZooKeeper without their provider",
    { zookeeperConfig: '{"metricsProvider.httpPort":7000}' },
    `zookeeperConfig": it must set metricsProvider.className to org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider for metricsProvider.httpPort; got {"metricsProvider.httpPort":"7000"}. Set it, or leave these keys out.`,
  ],
  [
    "a class that ZooKeeper does not have",
    { zookeeperConfig: '{"metricsProvider.className":"Prometheus"}' },
    `zookeeperConfig": it must give metricsProvider.className org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider or org.apache.zookeeper.metrics.impl.DefaultMetricsProvider or org.apache.zookeeper.metrics.impl.NullMetricsProvider; got ["metricsProvider.className","Prometheus"]. Correct the value.`,
  ],
  [
    "session timeouts that contradict each other",
    { zookeeperConfig: '{"minSessionTimeout":9000,"maxSessionTimeout":8000}' },
    `zookeeperConfig": it must not have a minSessionTimeout above the maxSessionTimeout; got {"minSessionTimeout":"9000","maxSessionTimeout":"8000"}. Exchange the two, or leave one of them out.`,
  ],
  [
    "a value that ZooKeeper cannot read",
    { zookeeperConfig: '{"snapCount":"many"}' },
    `zookeeperConfig": it must give snapCount a whole number; got ["snapCount","many"]. Correct the value.`,
  ],
  ...ACCESS_FAULTS,
  ...SECURITY_FAULTS,
];

test("each setting with a rule has a fault in this table", () => {
  const judged = FAULTS.map(([, , message]) => /^\w+/.exec(message)?.[0]);
  const ruled = SETTINGS.filter(({ rule }) => rule !== undefined).map(({ name }) => name);
  expect(ruled.filter((name) => !judged.includes(name))).toEqual([]);
});

test.each(FAULTS)("%s", (_, settings, message) => {
  expect(read(settings).faults).toEqual([`Setting "kafkalab:${message}`]);
});

test("every fault is said at once, and nothing is made", async () => {
  const bad = { brokers: "three", zookeeperNodes: "2", domain: "x", colour: "red" };
  const error: unknown = await declareLab(bad).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(pulumi.ResourceError);
  const { message, hideStack } = error as pulumi.ResourceError;
  expect(hideStack).toBe(true);
  expect(message.split("\n")[0]).toBe(
    'Stack "test" has 4 faults in its settings; nothing was changed:',
  );
  expect(message.match(/^ {2}- Setting "kafkalab:/gm)).toHaveLength(4);
  expect(registered()).toEqual([]);
});

describe("good settings", () => {
  test("nothing set is the book's lab", () => {
    const { settings, faults } = read({});
    expect(faults).toEqual([]);
    expect(settings).toMatchObject({
      target: "local",
      topology: "public",
      running: true,
      architecture: "x86_64",
      vpcCidr: "10.20.0.0/16",
      sshAllowedCidrs: ["198.18.0.0/15"],
      clientAllowedCidrs: ["198.18.0.0/15"],
      clientCidrs: ["198.18.0.0/15"],
      tunnelPort: 19_092,
      domain: "foo.bar",
      zookeeperNodes: 3,
      zookeeperInstanceType: "t3.small",
      zookeeperVolume: { type: "gp3", gib: 10 },
      brokers: 3,
      brokerInstanceType: "t3.medium",
      brokerVolume: { type: "gp3", gib: 20 },
      brokerLines: { "log.retention.hours": "72" },
      bastionInstanceType: "t3.nano",
      clients: 0,
      clientInstanceType: "t3.small",
    });
  });

  test.each<[string, Record<string, string>, string[], string[]]>([
    ["the local target", {}, ["198.18.0.0/15"], ["198.18.0.0/15"]],
    ["a local lab behind a bastion", { topology: "private" }, ["none"], []],
    ["AWS", AWS, ["none"], []],
    ["a lab for nobody", { clientAllowedCidrs: '["none"]' }, ["none"], []],
  ])("clients that may reach %s", (_, given, clientAllowedCidrs, clientCidrs) => {
    expect(read(given)).toMatchObject({
      settings: { clientAllowedCidrs, clientCidrs },
      faults: [],
    });
  });

  test("an architecture brings its instance types, a machine its architecture", () => {
    const types = {
      architecture: "arm64",
      zookeeperInstanceType: "t4g.small",
      brokerInstanceType: "t4g.medium",
      bastionInstanceType: "t4g.nano",
      clientInstanceType: "t4g.small",
    };
    expect(read({ ...AWS, architecture: "arm64" })).toMatchObject({ settings: types, faults: [] });
    expect(readSettings({}, PINS, "arm64")).toMatchObject({ settings: types, faults: [] });
    expect(readSettings({ "kafkalab:target": "aws" }, PINS, "arm64").settings.architecture).toBe(
      "x86_64",
    );
  });

  test("volumes with all that EBS lets one choose", () => {
    const { settings, faults } = read({
      brokerVolumeGiB: "500",
      brokerVolumeIops: "16000",
      brokerVolumeThroughputMiBps: "1000",
      zookeeperVolumeType: "io2",
      zookeeperVolumeIops: "500",
    });
    expect(faults).toEqual([]);
    expect(settings.brokerVolume).toEqual({
      type: "gp3",
      gib: 500,
      iops: 16000,
      throughputMiBps: 1000,
    });
    expect(settings.zookeeperVolume).toEqual({ type: "io2", gib: 10, iops: 500 });
  });

  test("topics, with Kafka's own settings", () => {
    const topics = {
      orders: { partitions: 6, replicationFactor: 2, config: { "retention.ms": 3600000 } },
      clicks: { partitions: 1 },
      gone: { deleted: true },
    };
    const { settings, faults } = read({ topics: JSON.stringify(topics) });
    expect(faults).toEqual([]);
    const plain = { replicationFactor: 3, config: {}, deleted: false };
    expect(settings.topics).toEqual([
      {
        name: "orders",
        partitions: 6,
        replicationFactor: 2,
        config: { "retention.ms": "3600000" },
        deleted: false,
      },
      { ...plain, name: "clicks", partitions: 1 },
      { ...plain, name: "gone", partitions: 1, deleted: true },
    ]);
  });

  test("settings of other namespaces are none of ours", () => {
    expect(readSettings({ "aws:region": "x", "pulumi:y": "z" }, PINS).faults).toEqual([]);
  });

  test.each([
    [{ target: "aws", sshAllowedCidrs: '["203.0.113.7/32","198.51.100.0/24"]' }],
    [
      {
        target: "aws",
        sshAllowedCidrs: '["203.0.113.7/32"]',
        clientAllowedCidrs: '["203.0.113.7/32"]',
      },
    ],
    [{ clientAllowedCidrs: '["none"]' }],
    [{ topology: "private", clientAllowedCidrs: '["none"]', tunnelPort: "65533" }],
    [{ brokers: "1", replicationFactor: "1", zookeeperNodes: "1" }],
    [{ brokers: "300", zookeeperNodes: "9", clients: "20" }],
    [{ vpcCidr: "10.20.0.0/25", clients: "6" }],
    [{ ...AWS, architecture: "arm64", brokerInstanceType: "m7g.large", brokerHeapMiB: "4096" }],
    [{ availabilityZones: '["ap-northeast-2b","ap-northeast-2d"]', topology: "private" }],
    [{ running: "false", brokerVolumeType: "st1", brokerVolumeGiB: "125" }],
    [{ vpcCidr: "192.168.7.0/24", domain: "lab-1.example.co.kr", region: "us-gov-west-1" }],
    [{ zookeeperVersion: "3.8.3", archiveUrl: "http://mirror.local-cloud.internal" }],
    [{ ...AWS, zookeeperVersion: "3.8.3", archiveUrl: "https://mirror.corp.kr/apache" }],
    [{ tags: '{"CostCenter":4401,"spot":false}' }],
    [{ topics: '{"t1":{"partitions":1,"config":{"preallocate":true}}}' }],
    [{ brokerConfig: "", tags: "", topics: "", availabilityZones: "" }],
    [
      {
        zookeeperConfig: JSON.stringify({
          "metricsProvider.className":
            "org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider",
          "metricsProvider.httpPort": 7000,
        }),
      },
    ],
    [{ tags: '{"team":"data","cost-centre":""}' }],
    [{ brokerConfig: '{"num.io.threads":16,"log.cleaner.enable":true,"log.retention.ms":"-1"}' }],
    [{ zookeeperConfig: '{"snapCount":50000,"forceSync":"yes","admin.enableServer":false}' }],
  ])("%j", (settings) => {
    expect(read(settings).faults).toEqual([]);
  });
});

describe("domains", () => {
  const RULE = "it must not be a domain that is reserved, so that resolvers answer it themselves";

  test.each([
    ...["localhost", "localdomain", "local", "invalid", "test", "example", "onion", "alt"],
    ...["example.com", "example.net", "example.org", "home.arpa", "20.10.in-addr.arpa"],
  ])("%s and all below it are reserved", (name) => {
    for (const domain of [name, `kafka.${name}`].filter((text) => text.includes("."))) {
      expect(read({ domain }).faults.join(), domain).toContain(RULE);
      expect(read({ ...AWS, domain }).faults.join(), domain).toContain(RULE);
    }
  });

  test.each(["mylocalhost.kr", "notexample.com", "test.kr", "local.lan", "internal.corp.kr"])(
    "%s is not",
    (domain) => {
      expect(read({ domain }).faults).toEqual([]);
    },
  );

  test("the longest that is taken makes no host name longer than Linux takes", () => {
    const domain = `${"a".repeat(44)}.bar`;
    expect(read({ domain }).faults).toEqual([]);
    expect(read({ domain: `a${domain}` }).faults).toHaveLength(1);
    const names = Object.entries(MOST_HOSTS).flatMap(([role, most]) =>
      fullNames(role as Role, most, domain),
    );
    expect(Math.max(...names.map(({ length }) => length))).toBe(64);
    expect(longestHostName()).toBe(hostName("bastion", 1));
  });
});

describe("names of topics", () => {
  const NAME = "be 1 to 249 letters, digits, dots, hyphens and underscores";
  const topics = (...names: string[]) =>
    JSON.stringify(Object.fromEntries(names.map((name) => [name, { partitions: 1 }])));

  test.each(["a", ".a", "...", "_", "a_b-c.D9", "_schemas", "a".repeat(249)])(
    "%s is one, of the smoke test and of others",
    (name) => {
      expect(read({ topic: name }).faults).toEqual([]);
      expect(read({ topics: topics(name) }).faults).toEqual([]);
    },
  );

  test.each([
    ["a".repeat(250), NAME],
    ["a/b", NAME],
    ["가나다", NAME],
    ["__consumer_offsets", NAME],
    ["__mine", NAME],
    [".", "not be . or .., which Kafka rejects"],
    ["..", "not be . or .., which Kafka rejects"],
    ["..consumer_offsets", "differ from __consumer_offsets in more than dots and underscores"],
    ["_.transaction.state", "differ from __transaction_state in more than dots and underscores"],
    ["._share_group.state", "differ from __share_group_state in more than dots and underscores"],
    ["..remote_log_metadata", "differ from __remote_log_metadata in more than"],
    ["..cluster.metadata", "differ from __cluster_metadata in more than dots and underscores"],
  ])("%s is none", (name, rule) => {
    const given: Record<string, string>[] = [{ topic: name }, { topics: topics(name) }];
    for (const settings of given) {
      const { faults } = read(settings);
      expect(faults).toHaveLength(1);
      expect(faults[0]).toContain(`it must ${rule}`);
    }
  });

  test.each([
    [{ topic: "pay.ments", topics: topics("pay_ments") }, "topics.pay_ments", "pay.ments"],
    [{ topics: topics("a.b_c", "a_b.c") }, "topics.a_b.c", "a.b_c"],
    [{ topics: topics("a-b", "a.b", "a_b") }, "topics.a_b", "a.b"],
    [{ topics: '{"a.b":{"deleted":true},"a_b":{"partitions":1}}' }, "topics.a_b", "a.b"],
  ])("%j: Kafka would reject the second of two", (settings, at, other) => {
    expect(read(settings).faults).toEqual([
      `Setting "kafkalab:${at}": it must differ from ${other} in more than dots and underscores; ` +
        `got "${at.replace("topics.", "")}". Choose another name for one of the two.`,
    ]);
  });

  test.each([
    ["a-b", "a_b"],
    ["ab", "a.b"],
    ["a", "A"],
  ])("%s and %s are two", (one, other) => {
    expect(read({ topics: topics(one, other) }).faults).toEqual([]);
    expect(read({ topic: one, topics: topics(other) }).faults).toEqual([]);
  });
});

describe("nonsense", () => {
  const NONSENSE = [
    ...["", " ", "null", "true", "[]", "{}", "[null]", "[1]", "[[]]", "[{}]", '[""]', "{", "\0"],
    ...['""', "0", "-1", "1e309", "9".repeat(400), "NaN", "constructor", "__proto__", "가나다"],
    ...['{"":""}', '{"a":null}', '{"a":[]}', '{"a":{}}', '{"a":1e309}', '{"a":"\\u0000"}'],
    ...['{"constructor":1}', '{"__proto__":{"a":1}}', '{"toString":{"partitions":1}}'],
    ...['{"가":"나"}', '{"a":{"partitions":null}}', '{"a":{"partitions":1e309}}'],
    ...['{"a":{"partitions":9223372036854775807}}', '{"a":{"partitions":1,"config":[]}}'],
    ...['{"a":{"partitions":1,"config":{"retention.ms":null}}}', '{"a":{"config":null}}'],
    ...['{"a":{"partitions":1,"replicationFactor":{}}}', '{"a":{"partitions":1,"deleted":0}}'],
  ];

  test.each(SETTINGS.map(({ name }) => name))(
    "as kafkalab:%s is told as a fault, or harmless",
    (name) => {
      for (const value of NONSENSE) {
        for (const around of [{}, AWS]) {
          const { settings, faults } = read({ ...around, [name]: value });
          for (const fault of faults) {
            expect(fault, value).toMatch(/^Setting "kafkalab:[^]+": [^]+; got [^]+\. [^]+\.$/);
          }
          if (faults.length === 0) {
            expect(JSON.stringify(settings), value).not.toMatch(/\[object|undefined/);
          }
        }
      }
    },
  );
});

test("numbers of a configuration are the digits that Pulumi passes on", () => {
  const keys = {
    "log.flush.interval.messages": "9223372036854775807",
    "log.retention.bytes": "-9223372036854775808",
    "log.retention.ms": "9007199254740993",
    "log.cleaner.min.cleanable.ratio": "0.5",
  };
  const json = (values: Record<string, string>) =>
    `{${Object.entries(values)
      .map(([key, digits]) => `"${key}":${digits}`)
      .join()}}`;
  expect(read({ brokerConfig: json(keys) })).toMatchObject({
    settings: { brokerConfig: keys },
    faults: [],
  });
  const config = { "retention.ms": "9223372036854775807" };
  const topics = `{"orders":{"partitions":1,"config":${json(config)}}}`;
  expect(read({ topics }).settings.topics).toMatchObject([{ config }]);
  const tags = { account: "123456789012345678" };
  expect(read({ tags: json(tags) }).settings.tags).toEqual(tags);
});
