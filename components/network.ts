import * as ec2 from "@pulumi/aws/ec2";
import * as pulumi from "@pulumi/pulumi";
import { hostAddress, subnetCidrs, zoneIndex } from "./lib/addresses";
import { type Role } from "./lib/names";
import { named } from "./site";

/** An availability zone. */
export interface Zone {
  /** Name in this account, such as `ap-northeast-2a`. */
  name: string;
  /** Id that means the same zone in every account, such as `apne2-az1`. */
  id: string;
}

/** Where a host is put. */
export interface Place {
  zone: Zone;
  subnetId: pulumi.Output<string>;
  privateIp: string;
}

/** Arguments of {@link Network}. */
export interface NetworkArgs {
  /** The VPC's IPv4 block, /16 to /25. A change replaces every host. */
  cidr: string;
  /** One public subnet is made in each. A change of their number replaces hosts. */
  zones: Zone[];
  /** The search domain that hosts get by DHCP. */
  domain: string;
  tags: Record<string, string>;
}

/**
 * A VPC with DNS, a public subnet in each zone, an internet gateway with the route to it, and DHCP
 * options that give hosts the lab's domain.
 */
export class Network extends pulumi.ComponentResource {
  readonly vpcId: pulumi.Output<string>;
  /** Known once routes and DHCP options are in force, so that a host boots into a whole network. */
  readonly subnetIds: pulumi.Output<string>[];
  private readonly cidr: string;
  private readonly zones: Zone[];

  constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("kafkalab:index:Network", name, {}, opts);
    this.cidr = args.cidr;
    this.zones = args.zones;
    const tags = (role: string) => named(args.tags, `${name}-${role}`);
    const child = { parent: this };

    const vpc = new ec2.Vpc(
      `${name}-vpc`,
      {
        cidrBlock: args.cidr,
        enableDnsSupport: true,
        enableDnsHostnames: true,
        tags: tags("vpc"),
      },
      child,
    );
    this.vpcId = vpc.id;
    const dhcp = this.createDhcpOptions(name, args, tags("dhcp"));

    const gateway = new ec2.InternetGateway(
      `${name}-gateway`,
      { vpcId: vpc.id, tags: tags("gateway") },
      child,
    );
    const routes = new ec2.RouteTable(
      `${name}-routes`,
      { vpcId: vpc.id, tags: tags("routes") },
      child,
    );
    const route = new ec2.Route(
      `${name}-route-internet`,
      {
        routeTableId: routes.id,
        destinationCidrBlock: "0.0.0.0/0",
        gatewayId: gateway.id,
      },
      child,
    );

    this.subnetIds = subnetCidrs(args.cidr, args.zones.length).map((cidrBlock, index) => {
      const subnet = new ec2.Subnet(
        `${name}-subnet-${index + 1}`,
        {
          vpcId: vpc.id,
          cidrBlock,
          availabilityZone: args.zones[index]?.name,
          tags: tags(`subnet-${index + 1}`),
        },
        child,
      );
      const association = new ec2.RouteTableAssociation(
        `${name}-routes-subnet-${index + 1}`,
        { routeTableId: routes.id, subnetId: subnet.id },
        child,
      );
      return pulumi.all([subnet.id, association.id, route.id, dhcp.id]).apply(([id]) => id);
    });
    this.registerOutputs({ vpcId: this.vpcId, subnetIds: this.subnetIds });
  }

  /** The place of a node: zone after zone in turn, at an address that its ordinal decides. */
  place(role: Role, ordinal: number): Place {
    const index = zoneIndex(ordinal, this.zones.length);
    const zone = this.zones[index];
    const subnetId = this.subnetIds[index];
    if (zone === undefined || subnetId === undefined) {
      throw new Error(`no zone for ${role} ${ordinal}`);
    }
    const privateIp = hostAddress(this.cidr, this.zones.length, role, ordinal);
    return { zone, subnetId, privateIp };
  }

  private createDhcpOptions(
    name: string,
    args: NetworkArgs,
    tags: Record<string, string>,
  ): pulumi.Resource & { id: pulumi.Output<string> } {
    const options = new ec2.VpcDhcpOptions(
      `${name}-dhcp`,
      { domainName: args.domain, domainNameServers: ["AmazonProvidedDNS"], tags },
      { parent: this },
    );
    return new ec2.VpcDhcpOptionsAssociation(
      `${name}-dhcp-vpc`,
      { vpcId: this.vpcId, dhcpOptionsId: options.id },
      { parent: this },
    );
  }
}
