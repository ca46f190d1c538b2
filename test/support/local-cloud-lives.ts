import { expect } from "vitest";
import type { Props, Resource } from "./local-cloud";
import { T, textOf, ZONE, type Network } from "./network";

export const PUBLIC_KEY =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGmJ0mWVmDNXGqN4GhJlqHqzX1dWMT0VQ3mS9Wm5Hq1y test";

/** The resources that others refer to. */
export interface Present {
  net: Network;
  other: Network;
  options: Resource;
  zone: Resource;
  eip: Resource;
  /** An address that nothing uses. */
  spareEip: Resource;
  /** A subnet without a route table, and a route table of its VPC. */
  lonely: Resource;
  lonelyTable: Resource;
}

/** The life of a resource: it is created, changed and deleted. */
export interface Life {
  type: string;
  inputs: (present: Present) => Props;
  id: RegExp;
  /** A change in place. */
  update?: Props;
  /** A change that makes a new resource. */
  replace?: (present: Present) => Props;
  outs?: Props;
}

/** One life of each resource type that needs no host. */
export const LIVES: Life[] = [
  {
    type: T.vpc,
    inputs: () => ({ cidrBlock: "10.90.0.0/16", tags: { Name: "x" } }),
    id: /^vpc-[0-9a-f]{17}$/,
    update: { tags: { Name: "y" } },
    replace: () => ({ cidrBlock: "10.91.0.0/16" }),
    outs: { enableDnsSupport: true, ownerId: "000000000000", region: "ap-northeast-2" },
  },
  {
    type: T.subnet,
    inputs: ({ net }) => ({ vpcId: net.vpc.id, cidrBlock: "10.77.9.0/24" }),
    id: /^subnet-[0-9a-f]{17}$/,
    update: { mapPublicIpOnLaunch: true },
    replace: () => ({ cidrBlock: "10.77.10.0/24" }),
    outs: { availableIpAddressCount: 251, availabilityZone: ZONE },
  },
  {
    type: T.gateway,
    inputs: () => ({}),
    id: /^igw-[0-9a-f]{17}$/,
    update: { tags: { a: "b" } },
  },
  {
    type: T.routeTable,
    inputs: ({ net }) => ({ vpcId: net.vpc.id }),
    id: /^rtb-[0-9a-f]{17}$/,
    update: { tags: { a: "b" } },
    replace: ({ other }) => ({ vpcId: other.vpc.id }),
  },
  {
    type: T.route,
    inputs: ({ net }) => ({ ...net.route.inputs, destinationCidrBlock: "192.0.2.0/24" }),
    id: /^r-rtb-[0-9a-f]{17}\d+$/,
    replace: () => ({ destinationCidrBlock: "198.51.100.0/24" }),
  },
  {
    type: T.routeTableAssociation,
    inputs: ({ lonely, lonelyTable }) => ({ subnetId: lonely.id, routeTableId: lonelyTable.id }),
    id: /^rtbassoc-[0-9a-f]{17}$/,
    replace: ({ net }) => ({ subnetId: net.subnet.id }),
  },
  {
    type: T.eip,
    inputs: () => ({ domain: "vpc" }),
    id: /^eipalloc-[0-9a-f]{17}$/,
    update: { tags: { a: "b" } },
    outs: {
      publicIp: expect.stringMatching(/^198\.1[89]\.\d+\.\d+$/) as string,
      associationId: "",
      publicIpv4Pool: "amazon",
    },
  },
  {
    type: T.nat,
    inputs: ({ net, spareEip }) => ({ subnetId: net.subnet.id, allocationId: spareEip.id }),
    id: /^nat-[0-9a-f]{17}$/,
    update: { tags: { a: "b" } },
    replace: ({ eip }) => ({ allocationId: eip.id }),
    outs: { connectivityType: "public", privateIp: "10.77.0.5" },
  },
  {
    type: T.group,
    inputs: ({ net }) => ({ vpcId: net.vpc.id, name: "kafka", description: "x" }),
    id: /^sg-[0-9a-f]{17}$/,
    update: { tags: { a: "b" } },
    replace: () => ({ description: "y" }),
  },
  {
    type: T.ingress,
    inputs: ({ net }) => ({
      securityGroupId: net.group.id,
      ipProtocol: "tcp",
      fromPort: 9092,
      toPort: 9092,
      referencedSecurityGroupId: net.group.id,
    }),
    id: /^sgr-[0-9a-f]{17}$/,
    update: { toPort: 9093 },
    replace: ({ net }) => ({ securityGroupId: textOf(net.vpc, "defaultSecurityGroupId") }),
  },
  {
    type: T.egress,
    inputs: ({ net }) => ({
      securityGroupId: net.group.id,
      ipProtocol: "udp",
      fromPort: 53,
      toPort: 53,
      cidrIpv4: "192.0.2.0/24",
    }),
    id: /^sgr-[0-9a-f]{17}$/,
    update: { toPort: 54 },
    replace: ({ net }) => ({ securityGroupId: textOf(net.vpc, "defaultSecurityGroupId") }),
  },
  {
    type: T.dhcpOptions,
    inputs: () => ({ domainName: "bar.test", domainNameServers: ["AmazonProvidedDNS"] }),
    id: /^dopt-[0-9a-f]{17}$/,
    replace: () => ({ domainName: "baz.test" }),
  },
  {
    type: T.dhcpAssociation,
    inputs: ({ other, options }) => ({ vpcId: other.vpc.id, dhcpOptionsId: options.id }),
    id: /^dopt-[0-9a-f]{17}-vpc-[0-9a-f]{17}$/,
    replace: ({ net }) => ({ vpcId: net.vpc.id }),
  },
  {
    type: T.keyPair,
    inputs: () => ({ keyName: "mine", publicKey: PUBLIC_KEY }),
    id: /^mine$/,
    update: { tags: { a: "b" } },
    replace: () => ({ publicKey: `${PUBLIC_KEY} other` }),
    outs: { keyType: "ed25519" },
  },
  {
    type: T.volume,
    inputs: () => ({ availabilityZone: ZONE, size: 1, type: "gp3" }),
    id: /^vol-[0-9a-f]{17}$/,
    update: { size: 8, iops: 4000, throughput: 1000 },
    replace: () => ({ availabilityZone: "ap-northeast-2b" }),
    outs: { iops: 3000, throughput: 125, encrypted: false },
  },
  {
    type: T.zone,
    inputs: ({ net }) => ({ name: "1.77.10.in-addr.arpa", vpcs: [{ vpcId: net.vpc.id }] }),
    id: /^Z[0-9A-Z]{19}$/,
    update: { comment: "reverse" },
    replace: () => ({ name: "2.77.10.in-addr.arpa" }),
  },
  {
    type: T.record,
    inputs: ({ zone }) => ({
      zoneId: zone.id,
      name: "b",
      type: "A",
      ttl: 60,
      records: ["10.77.0.5"],
    }),
    id: /^Z[0-9A-Z]{19}_b_A$/,
    update: { records: ["10.77.0.6"] },
    replace: () => ({ name: "c" }),
    outs: { fqdn: "b.foo.test" },
  },
];

/** The types that need a running host, and the test in hosts.test.ts that covers their life instead. */
export const NEED_HOSTS: Record<string, string> = {
  [T.instance]: "have AWS's outputs, and no difference from what was asked for",
  [T.eipAssociation]: "keep their elastic address, which the machine and the groups let in",
  [T.instanceState]: "are stopped and started by their state, and stay stopped",
  [T.attachment]: "have their volumes, whichever comes first, full when they are full",
};
