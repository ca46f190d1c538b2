import * as ec2 from "@pulumi/aws/ec2";
import * as vpc from "@pulumi/aws/vpc";
import * as pulumi from "@pulumi/pulumi";
import { REPLICATION_PORT } from "../shared/kafka-contact";
import { type ListenerPlace, listenerPort } from "./lib/kafka-listeners";
import { isSecure, modesOf, type Security } from "./lib/kafka-security";
import { type Role } from "./lib/names";
import { CLIENT_PORT } from "./lib/zookeeper-config";
import { named } from "./site";

/** Arguments of {@link Firewall}. */
export interface FirewallArgs {
  vpcId: pulumi.Input<string>;
  /** CIDR blocks whose addresses may use SSH. */
  sshAllowedCidrs: string[];
  /** CIDR blocks whose addresses may use the brokers' CLIENT listener. */
  clientAllowedCidrs: string[];
  /** Decides the ports of the brokers. */
  security: Security;
  /** Whether these addresses can reach only the bastion, and the other hosts only through it. */
  behindBastion: boolean;
  /** Whether the lab has client hosts. */
  hasClients: boolean;
  tags: Record<string, string>;
}

type Group = "hosts" | Role;

/** One rule: ingress to or egress from a security group. The other side is a group or a CIDR block. */
interface FirewallRule {
  name: string;
  group: Group;
  direction: "in" | "out";
  peer: Group | { cidr: string };
  protocol: "tcp" | "icmp";
  /** The ICMP type for ICMP. */
  port: number;
  description: string;
}

const GROUPS: Record<Group, string> = {
  bastion: "The way in to the lab: SSH",
  hosts: "What every host of the lab needs: SSH, ping, downloads",
  zookeeper: "ZooKeeper nodes of the lab",
  kafka: "Kafka brokers of the lab",
  client: "Client hosts of the lab",
};

/**
 * The security groups of the lab and their rules. Ingress: SSH and Kafka's CLIENT listener from the allowed
 * addresses, and ZooKeeper's and Kafka's ports from the hosts that need them. Egress: the other hosts, and
 * ports 80 and 443 of any address. AWS does not filter traffic to its DNS resolver and its time service.
 */
export class Firewall extends pulumi.ComponentResource {
  /** The groups that a host of each role belongs to. */
  readonly groupIds: Record<Role, pulumi.Output<string>[]>;
  /** Completes once all rules exist. Resources that use the network depend on it. */
  readonly rules: pulumi.Resource;

  constructor(name: string, args: FirewallArgs, opts?: pulumi.ComponentResourceOptions) {
    super("kafkalab:index:Firewall", name, {}, opts);
    const groups = {
      hosts: this.createGroup(name, "hosts", args),
      zookeeper: this.createGroup(name, "zookeeper", args),
      kafka: this.createGroup(name, "kafka", args),
      ...(args.hasClients && { client: this.createGroup(name, "client", args) }),
      ...(args.behindBastion && { bastion: this.createGroup(name, "bastion", args) }),
    };
    const rules = rulesOf(args).map((rule) => this.createRule(name, rule, groups, args));
    // One resource stands for all rules. Otherwise each dependent would list all of them in the state.
    this.rules = new pulumi.Stash(
      `${name}-rules`,
      { input: rules.length },
      { parent: this, dependsOn: rules },
    );
    this.groupIds = {
      bastion: groups.bastion === undefined ? [] : [groups.bastion.id],
      zookeeper: [groups.hosts.id, groups.zookeeper.id],
      kafka: [groups.hosts.id, groups.kafka.id],
      client: groups.client === undefined ? [] : [groups.hosts.id, groups.client.id],
    };
    this.registerOutputs({ groupIds: this.groupIds });
  }

  private createGroup(name: string, group: Group, args: FirewallArgs): ec2.SecurityGroup {
    return new ec2.SecurityGroup(
      `${name}-${group}`,
      {
        vpcId: args.vpcId,
        name: `kafkalab-${group}`,
        description: GROUPS[group],
        tags: named(args.tags, `${name}-${group}`),
      },
      { parent: this },
    );
  }

  private createRule(
    name: string,
    rule: FirewallRule,
    groups: Partial<Record<Group, ec2.SecurityGroup>>,
    args: FirewallArgs,
  ): pulumi.CustomResource {
    const type =
      rule.direction === "in" ? vpc.SecurityGroupIngressRule : vpc.SecurityGroupEgressRule;
    const childName = `${name}-${rule.group}-${rule.name}-${rule.direction}`;
    return new type(
      childName,
      {
        securityGroupId: idOf(groups, rule.group),
        ...(typeof rule.peer === "string"
          ? { referencedSecurityGroupId: idOf(groups, rule.peer) }
          : { cidrIpv4: rule.peer.cidr }),
        ipProtocol: rule.protocol,
        fromPort: rule.port,
        toPort: rule.protocol === "icmp" ? -1 : rule.port,
        description: rule.description,
        tags: named(args.tags, childName),
      },
      { parent: this },
    );
  }
}

function idOf(
  groups: Partial<Record<Group, ec2.SecurityGroup>>,
  group: Group,
): pulumi.Output<string> {
  const found = groups[group];
  if (found === undefined) {
    throw new Error(`no security group for ${group}`);
  }
  return found.id;
}

function rulesOf(args: FirewallArgs): FirewallRule[] {
  const { sshAllowedCidrs, clientAllowedCidrs, security, behindBastion, hasClients } = args;
  const inside = portsOf("inside", security);
  const entrance: Group = behindBastion ? "bastion" : "hosts";
  return [
    ...sshAllowedCidrs.map((cidr) => fromOutside("ssh", entrance, cidr, 22, "SSH")),
    ...clientAllowedCidrs.flatMap((cidr) =>
      portsOf("client", security).map(({ suffix, port }) =>
        fromOutside(`client${suffix}`, "kafka", cidr, port, "Kafka clients"),
      ),
    ),
    ...(behindBastion
      ? [
          ...flow("ssh", "bastion", "hosts", 22, "SSH from the bastion to every other host"),
          ...portsOf("tunnel", security).flatMap(({ suffix, port }) =>
            flow(`tunnel${suffix}`, "bastion", "kafka", port, "Kafka clients through the bastion"),
          ),
          download("bastion", "http", 80),
          download("bastion", "https", 443),
        ]
      : []),
    download("hosts", "http", 80),
    download("hosts", "https", 443),
    ...flow("ping", "hosts", "hosts", 8, "Ping between hosts", "icmp"),
    ...flow("client", "zookeeper", "zookeeper", CLIENT_PORT, "ZooKeeper nodes to one another"),
    ...flow("peer", "zookeeper", "zookeeper", 2888, "ZooKeeper followers to the leader"),
    ...flow("election", "zookeeper", "zookeeper", 3888, "ZooKeeper leader election"),
    ...flow("broker", "kafka", "zookeeper", CLIENT_PORT, "Kafka brokers to ZooKeeper"),
    ...inside.flatMap(({ suffix, port }) =>
      flow(`broker${suffix}`, "kafka", "kafka", port, "Kafka brokers and tools to brokers"),
    ),
    ...(isSecure(security)
      ? flow("replication", "kafka", "kafka", REPLICATION_PORT, "Kafka brokers to one another")
      : []),
    ...(hasClients
      ? inside.flatMap(({ suffix, port }) =>
          flow(`tools${suffix}`, "client", "kafka", port, "Client hosts to brokers"),
        )
      : []),
  ];
}

/** The ports of the brokers for clients, each with the end of its rules' names. */
function portsOf(place: ListenerPlace, security: Security): { suffix: string; port: number }[] {
  return modesOf(security).map((mode) => ({
    suffix: mode === "plaintext" ? "" : `-${mode}`,
    port: listenerPort(place, mode),
  }));
}

/** The ingress rule for addresses outside the VPC. */
function fromOutside(
  name: string,
  group: Group,
  cidr: string,
  port: number,
  what: string,
): FirewallRule {
  return {
    name: `${name}-${cidr.replace(/[./]/g, "-")}`,
    group,
    direction: "in",
    peer: { cidr },
    protocol: "tcp",
    port,
    description: `${what} from ${cidr}`,
  };
}

function download(group: Group, name: string, port: number): FirewallRule {
  const description = `Downloads over ${name.toUpperCase()}`;
  const peer = { cidr: "0.0.0.0/0" };
  return { name, group, direction: "out", peer, protocol: "tcp", port, description };
}

/** The egress and the ingress rule that let one group reach a port of another. */
function flow(
  name: string,
  from: Group,
  to: Group,
  port: number,
  description: string,
  protocol: "tcp" | "icmp" = "tcp",
): FirewallRule[] {
  const outward = from === to ? name : `${name}-${to}`;
  return [
    { name: outward, group: from, direction: "out", peer: to, protocol, port, description },
    { name, group: to, direction: "in", peer: from, protocol, port, description },
  ];
}
