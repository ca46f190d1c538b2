import * as z from "zod";
import { computed, kind, replaces } from "../kind";
import { ZONES } from "../ids";
import { block, domainName, flag, IN_REGION, network, TAGS, zoneName } from "../properties";

export const vpc = kind({
  token: "aws:ec2/vpc:Vpc",
  notFound: { code: "InvalidVpcID.NotFound", what: "vpc ID" },
  inputs: {
    cidrBlock: replaces(block(16, 28)),
    enableDnsHostnames: computed(z.boolean()),
    enableDnsSupport: flag(true),
    enableNetworkAddressUsageMetrics: computed(z.boolean()),
    instanceTenancy: replaces(z.enum(["default", "dedicated"]).default("default")),
    ...TAGS,
  },
  chosen: {
    /** The number of its block of public addresses: see machine/blocks.ts. */
    slot: z.number(),
    defaultSecurityGroupId: z.string(),
    defaultNetworkAclId: z.string(),
    mainRouteTableId: z.string(),
  },
});

export const subnet = kind({
  token: "aws:ec2/subnet:Subnet",
  notFound: { code: "InvalidSubnetID.NotFound", what: "subnet ID" },
  inputs: {
    vpcId: replaces(z.string()),
    cidrBlock: replaces(block(16, 28)),
    availabilityZone: replaces(computed(zoneName)),
    availabilityZoneId: replaces(computed(z.enum(Object.values(ZONES)))),
    mapPublicIpOnLaunch: flag(false),
    ...TAGS,
  },
  chosen: {},
});

export const internetGateway = kind({
  token: "aws:ec2/internetGateway:InternetGateway",
  notFound: { code: "InvalidGatewayID.NotFound", what: "gateway ID" },
  inputs: { vpcId: computed(z.string()), ...TAGS },
  chosen: {},
});

export const routeTable = kind({
  token: "aws:ec2/routeTable:RouteTable",
  notFound: { code: "InvalidRouteTableID.NotFound", what: "routeTable ID" },
  inputs: { vpcId: replaces(z.string()), ...TAGS },
  chosen: {},
});

export const route = kind({
  token: "aws:ec2/route:Route",
  inputs: {
    routeTableId: replaces(z.string()),
    destinationCidrBlock: replaces(network),
    gatewayId: z.string().optional(),
    natGatewayId: z.string().optional(),
    ...IN_REGION,
  },
  chosen: {},
});

export const routeTableAssociation = kind({
  token: "aws:ec2/routeTableAssociation:RouteTableAssociation",
  inputs: { subnetId: replaces(z.string()), routeTableId: z.string(), ...IN_REGION },
  chosen: {},
});

const AMAZON_DNS = "AmazonProvidedDNS";

export const dhcpOptions = kind({
  token: "aws:ec2/vpcDhcpOptions:VpcDhcpOptions",
  notFound: { code: "InvalidDhcpOptionID.NotFound", what: "dhcpOption ID" },
  inputs: {
    domainName: replaces(domainName.optional()),
    domainNameServers: replaces(
      z
        .array(z.string())
        .refine(
          (servers) => servers.length === 1 && servers[0] === AMAZON_DNS,
          `must be ["${AMAZON_DNS}"] in the local cloud`,
        )
        .optional(),
    ),
    ...TAGS,
  },
  chosen: {},
});

export const dhcpOptionsAssociation = kind({
  token: "aws:ec2/vpcDhcpOptionsAssociation:VpcDhcpOptionsAssociation",
  inputs: { vpcId: replaces(z.string()), dhcpOptionsId: z.string(), ...IN_REGION },
  chosen: {},
});
