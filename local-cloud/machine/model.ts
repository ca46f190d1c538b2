/*
 * The model of a VPC. The callers of this folder build it. The files of this folder turn it into links,
 * firewall rules and configuration files of daemons.
 */

/** The network properties of a host. */
export interface HostModel {
  id: string;
  subnetId: string;
  mac: string;
  privateIp: string;
  /**
   * The elastic address, or else the automatic public one. Set only if the host runs and its subnet has a
   * route to an internet gateway.
   */
  publicIp?: string;
  /** Whether its subnet has a route to a NAT gateway, and the gateway's subnet one to an internet gateway. */
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

/** An elastic address of a host. */
export interface ElasticAddress {
  /** The id of the association. A later association of the same address has another id. */
  id: string;
  address: string;
}

/** A VPC with all data for its router and its name server. */
export interface VpcModel {
  id: string;
  cidr: string;
  /** The number of the /24 block of 198.18.0.0/15 for the VPC's public addresses. */
  slot: number;
  /** The elastic addresses of all hosts, also of hosts that are stopped. */
  elastic: ElasticAddress[];
  hasInternetGateway: boolean;
  subnets: { id: string; cidr: string }[];
  hosts: HostModel[];
  groups: { id: string; rules: RuleModel[] }[];
  domainName?: string;
  zones: { name: string; records: NameModel[] }[];
}

/** An instance with all data that it needs to boot. */
export interface InstanceSpec {
  vpcId: string;
  host: HostModel;
  /** The image's root file system. */
  imageRoot: string;
  userData: Uint8Array;
  /** Its host name until user data sets another one. */
  privateDnsName: string;
  /** Authorized_keys line for the image's default user. */
  publicKey?: string;
  volumes: AttachedVolume[];
  /** Instances that stop before this one when the machine shuts down. */
  stopsAfter: string[];
  /** Instances that stop after this one when the machine shuts down. */
  stopsBefore: string[];
}

/** A volume that is attached to an instance. */
export interface AttachedVolume {
  volumeId: string;
  /** Its number among the host's NVMe devices while it is attached. The root volume has the number 0. */
  index: number;
}
