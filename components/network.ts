import * as ec2 from "@pulumi/aws/ec2";
import * as pulumi from "@pulumi/pulumi";
import {
  hostAddress,
  NAT_ZONE_INDEX,
  natAddress,
  subnetCidrs,
  type Tier,
  zoneIndex,
} from "./lib/addresses";
import { firstOf, NAT_ADDRESS, type Role } from "./lib/names";
import { named } from "./site";

/** An availability zone. */
export interface Zone {
  /** Name in this account, such as `ap-northeast-2a`. */
  name: string;
  /** Id that means the same zone in every account, such as `apne2-az1`. */
  id: string;
}

/** The location of a host. */
export interface Place {
  zone: Zone;
  subnetId: pulumi.Output<string>;
  privateIp: string;
  /** Whether the host gets a public address. */
  isPublic: boolean;
}

/** Arguments of {@link Network}. */
export interface NetworkArgs {
  /** The VPC's IPv4 block, /16 to /25. A change replaces every host. */
  cidr: string;
  /** Each zone gets its own subnets. A change of the number of zones replaces hosts. */
  zones: Zone[];
  /** The kind of subnet for the lab's hosts. A change replaces every host. */
  hosts: Tier;
  /** Whether private subnets currently have a NAT gateway, which costs by the hour. */
  outbound: boolean;
  /** The domain in the DHCP options. The image ignores it, so user data sets it, too. */
  domain: string;
  tags: Record<string, string>;
}

/**
 * A VPC with DNS, and DHCP options with the lab's domain. It has a public subnet in each zone, an internet
 * gateway, and the route to it. The private topology adds a private subnet in each zone, and one NAT
 * gateway in the second zone.
 */
export class Network extends pulumi.ComponentResource {
  readonly vpcId: pulumi.Output<string>;
  /** The resources besides its subnet that a host needs to reach the internet. */
  readonly wayOut: pulumi.Resource[];
  /** The ids wait for routes and DHCP options, so that a host boots into a complete network. */
  private readonly subnetIds: Record<Tier, pulumi.Output<string>[]>;

  constructor(
    private readonly name: string,
    private readonly args: NetworkArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("kafkalab:index:Network", name, {}, opts);
    const vpc = new ec2.Vpc(
      `${name}-vpc`,
      {
        cidrBlock: args.cidr,
        enableDnsSupport: true,
        enableDnsHostnames: true,
        tags: this.tags("vpc"),
      },
      { parent: this },
    );
    this.vpcId = vpc.id;
    const dhcp = this.createDhcpOptions();
    const gateway = new ec2.InternetGateway(
      `${name}-gateway`,
      { vpcId: vpc.id, tags: this.tags("gateway") },
      { parent: this },
    );
    const routes = this.createRouteTable("public");
    const route = this.createRoute("public", routes, { gatewayId: gateway.id });
    const publicIds = this.createSubnets("public", routes, [dhcp, route]);
    this.subnetIds = { public: publicIds, private: [] };
    this.wayOut = [];
    if (args.hosts === "private") {
      const privateRoutes = this.createRouteTable("private");
      this.subnetIds.private = this.createSubnets("private", privateRoutes, [dhcp]);
      if (args.outbound) {
        const natGatewayId = this.createNatGateway(gateway);
        this.wayOut.push(this.createRoute("private", privateRoutes, { natGatewayId }));
      }
    }
    this.registerOutputs({ vpcId: this.vpcId, subnetIds: this.subnetIds[args.hosts] });
  }

  /** The place of a node. Its ordinal determines the zone (round robin) and the address. */
  place(role: Role, ordinal: number): Place {
    const { cidr, zones } = this.args;
    const tier = role === "bastion" ? "public" : this.args.hosts;
    const index = zoneIndex(ordinal, zones.length);
    const zone = zones[index];
    if (zone === undefined) {
      throw new Error(`no zone for ${role} ${ordinal}`);
    }
    const subnetId = this.subnetId(tier, index);
    const privateIp = hostAddress(cidr, zones.length, tier, role, ordinal);
    return { zone, subnetId, privateIp, isPublic: tier === "public" };
  }

  private subnetId(tier: Tier, index: number): pulumi.Output<string> {
    const id = this.subnetIds[tier][index];
    if (id === undefined) {
      throw new Error(`no ${tier} subnet in zone ${index + 1}`);
    }
    return id;
  }

  private tags(role: string): Record<string, string> {
    return named(this.args.tags, `${this.name}-${role}`);
  }

  private createRouteTable(tier: Tier): ec2.RouteTable {
    return new ec2.RouteTable(
      `${this.name}-${tier}-routes`,
      { vpcId: this.vpcId, tags: this.tags(`${tier}-routes`) },
      { parent: this },
    );
  }

  private createRoute(
    tier: Tier,
    table: ec2.RouteTable,
    target: Pick<ec2.RouteArgs, "gatewayId" | "natGatewayId">,
  ): ec2.Route {
    return new ec2.Route(
      `${this.name}-${tier}-route`,
      { routeTableId: table.id, destinationCidrBlock: "0.0.0.0/0", ...target },
      { parent: this },
    );
  }

  /** Creates a subnet in each zone. The ids resolve after the given resources are done. */
  private createSubnets(
    tier: Tier,
    table: ec2.RouteTable,
    after: pulumi.CustomResource[],
  ): pulumi.Output<string>[] {
    const { cidr, zones } = this.args;
    return subnetCidrs(cidr, tier, zones.length).map((cidrBlock, index) => {
      const role = `${tier}-subnet-${index + 1}`;
      const subnet = new ec2.Subnet(
        `${this.name}-${role}`,
        {
          vpcId: this.vpcId,
          cidrBlock,
          availabilityZone: zones[index]?.name,
          mapPublicIpOnLaunch: tier === "public",
          tags: this.tags(role),
        },
        { parent: this },
      );
      const association = new ec2.RouteTableAssociation(
        `${this.name}-${tier}-routes-subnet-${index + 1}`,
        { routeTableId: table.id, subnetId: subnet.id },
        { parent: this },
      );
      return pulumi.all([subnet, association, ...after].map(({ id }) => id)).apply(firstOf);
    });
  }

  /** One gateway for all zones: a gateway is expensive, and hosts need it only for downloads. */
  private createNatGateway(gateway: ec2.InternetGateway): pulumi.Output<string> {
    const address = new ec2.Eip(
      `${this.name}-nat-address`,
      { domain: "vpc", tags: named(this.args.tags, NAT_ADDRESS) },
      { parent: this, dependsOn: gateway },
    );
    const nat = new ec2.NatGateway(
      `${this.name}-nat`,
      {
        allocationId: address.id,
        subnetId: this.subnetId("public", NAT_ZONE_INDEX),
        privateIp: natAddress(this.args.cidr),
        tags: this.tags("nat"),
      },
      // The elastic IP is free for a new gateway only after this one is deleted.
      { parent: this, deleteBeforeReplace: true },
    );
    return nat.id;
  }

  private createDhcpOptions(): pulumi.CustomResource {
    const options = new ec2.VpcDhcpOptions(
      `${this.name}-dhcp`,
      {
        domainName: this.args.domain,
        domainNameServers: ["AmazonProvidedDNS"],
        tags: this.tags("dhcp"),
      },
      { parent: this },
    );
    return new ec2.VpcDhcpOptionsAssociation(
      `${this.name}-dhcp-vpc`,
      { vpcId: this.vpcId, dhcpOptionsId: options.id },
      { parent: this },
    );
  }
}
