/*
 * What the machine must know about a VPC. Whoever asks for a network or a host builds this model; the
 * files of this folder turn it into links, rules and files of daemons.
 */

/** A host as its network sees it. */
export interface HostModel {
  id: string;
  subnetId: string;
  mac: string;
  privateIp: string;
  /** Only while the host has one and its subnet has a route to an internet gateway. */
  publicIp?: string;
  /** Its subnet has a route to a NAT gateway whose own subnet has one to an internet gateway. */
  behindNat: boolean;
  groupIds: string[];
}

/** A rule of a security group. */
export interface RuleModel {
  direction: "ingress" | "egress";
  /** `tcp`, `udp`, `icmp`, or `-1` for all. */
  protocol: string;
  /** A port, or an ICMP type. */
  fromPort?: number;
  /** A port, or an ICMP code. */
  toPort?: number;
  cidr?: string;
  peerGroupId?: string;
}

/** A DNS record, with its full name. */
export interface NameModel {
  name: string;
  type: string;
  values: string[];
}

/** A VPC with everything that its router and its name server serve. */
export interface VpcModel {
  id: string;
  cidr: string;
  /** Which /24 of 198.18.0.0/15 holds the VPC's public addresses. */
  slot: number;
  hasInternetGateway: boolean;
  subnets: { id: string; cidr: string }[];
  hosts: HostModel[];
  groups: { id: string; rules: RuleModel[] }[];
  domainName?: string;
  zones: { name: string; records: NameModel[] }[];
}

/** An instance with everything that it needs to boot. */
export interface InstanceSpec {
  vpcId: string;
  host: HostModel;
  /** The image's root file system. */
  imageRoot: string;
  userData: Uint8Array;
  /** Its name before user data names it. */
  privateDnsName: string;
  /** In authorized_keys form, for the image's default user. */
  publicKey?: string;
  volumes: AttachedVolume[];
  /** Instances that stop before this one when the machine shuts down. */
  stopsAfter: string[];
  /** Instances that stop after this one when the machine shuts down. */
  stopsBefore: string[];
}

/** A volume that an instance has. */
export interface AttachedVolume {
  volumeId: string;
  /** Its number among the host's NVMe devices, for as long as it is attached; the root volume is 0. */
  index: number;
}
