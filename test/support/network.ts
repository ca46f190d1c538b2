import type { Plugin, Props, Resource } from "./local-cloud";

/** The resource types of the local cloud, by Pulumi's token. */
export const T = {
  vpc: "aws:ec2/vpc:Vpc",
  subnet: "aws:ec2/subnet:Subnet",
  gateway: "aws:ec2/internetGateway:InternetGateway",
  routeTable: "aws:ec2/routeTable:RouteTable",
  route: "aws:ec2/route:Route",
  routeTableAssociation: "aws:ec2/routeTableAssociation:RouteTableAssociation",
  eip: "aws:ec2/eip:Eip",
  eipAssociation: "aws:ec2/eipAssociation:EipAssociation",
  nat: "aws:ec2/natGateway:NatGateway",
  group: "aws:ec2/securityGroup:SecurityGroup",
  ingress: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
  egress: "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
  dhcpOptions: "aws:ec2/vpcDhcpOptions:VpcDhcpOptions",
  dhcpAssociation: "aws:ec2/vpcDhcpOptionsAssociation:VpcDhcpOptionsAssociation",
  keyPair: "aws:ec2/keyPair:KeyPair",
  instance: "aws:ec2/instance:Instance",
  instanceState: "aws:ec2transitgateway/instanceState:InstanceState",
  volume: "aws:ebs/volume:Volume",
  attachment: "aws:ec2/volumeAttachment:VolumeAttachment",
  zone: "aws:route53/zone:Zone",
  record: "aws:route53/record:Record",
} as const;

export const ZONE = "ap-northeast-2a";

export interface Network {
  vpc: Resource;
  subnet: Resource;
  gateway: Resource;
  table: Resource;
  association: Resource;
  route: Resource;
  group: Resource;
}

/** A VPC with one public subnet, and one security group that lets its members out. */
export async function network(
  plugin: Plugin,
  name: string,
  cidr = "10.77.0.0/16",
): Promise<Network> {
  const vpc = await plugin.create(T.vpc, name, { cidrBlock: cidr });
  const vpcId = vpc.id;
  const subnet = await plugin.create(T.subnet, name, {
    vpcId,
    cidrBlock: cidr.replace(/\/\d+$/, "/24"),
    availabilityZone: ZONE,
    mapPublicIpOnLaunch: true,
  });
  const gateway = await plugin.create(T.gateway, name, { vpcId });
  const table = await plugin.create(T.routeTable, name, { vpcId });
  const route = await plugin.create(T.route, name, {
    routeTableId: table.id,
    destinationCidrBlock: "0.0.0.0/0",
    gatewayId: gateway.id,
  });
  const association = await plugin.create(T.routeTableAssociation, name, {
    subnetId: subnet.id,
    routeTableId: table.id,
  });
  const group = await plugin.create(T.group, name, { vpcId });
  await plugin.create(T.egress, name, {
    securityGroupId: group.id,
    ipProtocol: "-1",
    cidrIpv4: "0.0.0.0/0",
  });
  return { vpc, subnet, gateway, table, association, route, group };
}

/** The inputs of a route that leads to a NAT gateway. */
export const routeToNat = (table: Resource, natGatewayId: string): Props => ({
  routeTableId: table.id,
  destinationCidrBlock: "0.0.0.0/0",
  natGatewayId,
});

/** The inputs of a rule that lets this machine in by the port. */
export const fromMachine = (group: Resource, port: number): Props => ({
  securityGroupId: group.id,
  ipProtocol: "tcp",
  fromPort: port,
  toPort: port,
  cidrIpv4: "198.18.0.0/15",
});

/** The only AMI. */
export async function ami(plugin: Plugin): Promise<string> {
  const found = await plugin.invoke("aws:ec2/getAmi:getAmi", { owners: ["136693071363"] });
  return found["id"] as string;
}

/** A text among a resource's outputs. */
export const textOf = (resource: Resource | undefined, name: string) =>
  resource?.outs[name] as string;
