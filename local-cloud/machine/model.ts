import { recordsOf, type Record, type State } from "./store";

/** The resource types of the local cloud, by Pulumi's token. */
export const T = {
  vpc: "aws:ec2/vpc:Vpc",
  subnet: "aws:ec2/subnet:Subnet",
  internetGateway: "aws:ec2/internetGateway:InternetGateway",
  routeTable: "aws:ec2/routeTable:RouteTable",
  route: "aws:ec2/route:Route",
  routeTableAssociation: "aws:ec2/routeTableAssociation:RouteTableAssociation",
  eip: "aws:ec2/eip:Eip",
  natGateway: "aws:ec2/natGateway:NatGateway",
  securityGroup: "aws:ec2/securityGroup:SecurityGroup",
  ingressRule: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
  egressRule: "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
  dhcpOptions: "aws:ec2/vpcDhcpOptions:VpcDhcpOptions",
  dhcpOptionsAssociation: "aws:ec2/vpcDhcpOptionsAssociation:VpcDhcpOptionsAssociation",
  keyPair: "aws:ec2/keyPair:KeyPair",
  instance: "aws:ec2/instance:Instance",
  instanceState: "aws:ec2transitgateway/instanceState:InstanceState",
  volume: "aws:ebs/volume:Volume",
  volumeAttachment: "aws:ec2/volumeAttachment:VolumeAttachment",
  zone: "aws:route53/zone:Zone",
  record: "aws:route53/record:Record",
} as const;

export interface HostModel {
  id: string;
  subnetId: string;
  mac: string;
  privateIp: string;
  /** Only while the instance has one and its subnet routes to an internet gateway. */
  publicIp?: string;
  /** Its subnet routes to a NAT gateway whose own subnet routes to an internet gateway. */
  behindNat: boolean;
  groupIds: string[];
}

export interface RuleModel {
  direction: "ingress" | "egress";
  protocol: string;
  fromPort?: number;
  toPort?: number;
  cidr?: string;
  peerGroupId?: string;
}

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
  zones: { name: string; records: { name: string; type: string; values: string[] }[] }[];
}

const string = (value: unknown) => value as string;

/** Everything that the kernel and the name server must know of a VPC, out of the records. */
export function vpcModel(state: State, vpcId: string): VpcModel | undefined {
  const vpc = state.records[vpcId];
  if (!vpc || vpc.leaving) return undefined;
  const inVpc = (type: string) => recordsOf(state, type).filter((r) => r.inputs["vpcId"] === vpcId);
  const subnets = inVpc(T.subnet);
  const routes = new Map(subnets.map((s) => [s.id, wayOut(state, s.id)]));
  const association = inVpc(T.dhcpOptionsAssociation).at(-1);
  const options = association && state.records[string(association.inputs["dhcpOptionsId"])];
  const domainName = options?.inputs["domainName"] as string | undefined;

  return {
    id: vpcId,
    cidr: string(vpc.inputs["cidrBlock"]),
    slot: vpc.chosen["slot"] as number,
    hasInternetGateway: inVpc(T.internetGateway).length > 0,
    subnets: subnets.map((s) => ({ id: s.id, cidr: string(s.inputs["cidrBlock"]) })),
    hosts: instancesIn(state, new Set(subnets.map((s) => s.id))).map((i) => {
      const subnetId = string(i.inputs["subnetId"]);
      const publicIp = publicIpOf(i);
      return {
        id: i.id,
        subnetId,
        mac: string(i.chosen["mac"]),
        privateIp: string(i.chosen["privateIp"]),
        ...(publicIp !== undefined && routes.get(subnetId) === "gateway" ? { publicIp } : {}),
        behindNat: routes.get(subnetId) === "nat",
        groupIds: groupsOf(state, i, vpcId),
      };
    }),
    groups: [
      defaultGroupModel(state, vpc),
      ...inVpc(T.securityGroup).map((g) => ({ id: g.id, rules: rulesOf(state, g.id) })),
    ],
    ...(domainName === undefined ? {} : { domainName }),
    zones: recordsOf(state, T.zone)
      .filter((z) => zoneVpcs(z).includes(vpcId))
      .map((z) => ({
        name: string(z.inputs["name"]).replace(/\.$/, ""),
        records: recordsOf(state, T.record)
          .filter((r) => r.inputs["zoneId"] === z.id)
          .map((r) => ({
            name: string(r.chosen["fqdn"]),
            type: string(r.inputs["type"]),
            values: (r.inputs["records"] ?? []) as string[],
          })),
      })),
  };
}

/** The VPCs that a private zone is attached to. */
export function zoneVpcs(zone: Record): string[] {
  return ((zone.inputs["vpcs"] ?? []) as { vpcId: string }[]).map((v) => v.vpcId);
}

/** Whether somebody stopped the instance on purpose: it is then to stay so. */
export const isStopped = (instance: Record) => instance.chosen["stopped"] === true;

/**
 * The public address of an instance, if it has one: none while it is stopped. (The record keeps the
 * last one, so that the next is another.)
 */
export function publicIpOf(instance: Record): string | undefined {
  return isStopped(instance) ? undefined : (instance.chosen["publicIp"] as string | undefined);
}

/** The VPC's own security group, for instances that name none. */
function defaultGroup(vpc: Record): string {
  return string(vpc.chosen["defaultSecurityGroupId"]);
}

/** As AWS makes it: everything between its members, and from them to anywhere; and added rules. */
function defaultGroupModel(state: State, vpc: Record): VpcModel["groups"][number] {
  const id = defaultGroup(vpc);
  return {
    id,
    rules: [
      { direction: "ingress", protocol: "-1", peerGroupId: id },
      { direction: "egress", protocol: "-1", cidr: "0.0.0.0/0" },
      ...rulesOf(state, id),
    ],
  };
}

/** The VPC of a security group, be it a resource or a VPC's own; undefined if there is no such group. */
export function vpcOfGroup(state: State, groupId: unknown): string | undefined {
  const group = state.records[groupId as string];
  if (group?.type === T.securityGroup)
    return group.leaving ? undefined : string(group.inputs["vpcId"]);
  return recordsOf(state, T.vpc).find((vpc) => defaultGroup(vpc) === groupId)?.id;
}

/** The security groups of an instance; the VPC's default group if it names none. */
export function groupsOf(state: State, instance: Record, vpcId: string): string[] {
  const named = instance.inputs["vpcSecurityGroupIds"] as string[] | undefined;
  return named?.length ? named : [defaultGroup(state.records[vpcId]!)];
}

function instancesIn(state: State, subnetIds: Set<string>): Record[] {
  return recordsOf(state, T.instance).filter((i) => subnetIds.has(string(i.inputs["subnetId"])));
}

function rulesOf(state: State, groupId: string): RuleModel[] {
  const rules = (type: string, direction: RuleModel["direction"]) =>
    recordsOf(state, type)
      .filter((r) => r.inputs["securityGroupId"] === groupId)
      .map(({ inputs }) => ({
        direction,
        protocol: string(inputs["ipProtocol"]),
        ...(inputs["fromPort"] === undefined ? {} : { fromPort: inputs["fromPort"] as number }),
        ...(inputs["toPort"] === undefined ? {} : { toPort: inputs["toPort"] as number }),
        ...(inputs["cidrIpv4"] === undefined ? {} : { cidr: string(inputs["cidrIpv4"]) }),
        ...(inputs["referencedSecurityGroupId"] === undefined
          ? {}
          : { peerGroupId: string(inputs["referencedSecurityGroupId"]) }),
      }));
  return [...rules(T.ingressRule, "ingress"), ...rules(T.egressRule, "egress")];
}

/** How the hosts of a subnet get to the internet, if at all. */
function wayOut(state: State, subnetId: string): "gateway" | "nat" | undefined {
  const route = defaultRoute(state, subnetId);
  if (route?.inputs["gatewayId"] !== undefined) return "gateway";
  const nat = state.records[route?.inputs["natGatewayId"] as string];
  // A NAT gateway in a private subnet gets out no better than its users.
  const outside = nat && defaultRoute(state, string(nat.inputs["subnetId"]));
  return outside?.inputs["gatewayId"] !== undefined ? "nat" : undefined;
}

function defaultRoute(state: State, subnetId: string): Record | undefined {
  const association = recordsOf(state, T.routeTableAssociation).find(
    (a) => a.inputs["subnetId"] === subnetId,
  );
  return recordsOf(state, T.route).find(
    (r) =>
      association !== undefined &&
      r.inputs["routeTableId"] === association.inputs["routeTableId"] &&
      r.inputs["destinationCidrBlock"] === "0.0.0.0/0",
  );
}
