import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { daemonPid } from "../../local-cloud/machine/daemon";
import type { StoredResource as CloudRecord, State } from "../../local-cloud/machine/store";
import type { LocalCloudStatus } from "../../cli/status/local-cloud";
import {
  booted,
  Cloud,
  hostInit,
  hostShell,
  tryHostShell,
  secret,
  UNKNOWN,
  type Plugin,
  type Props,
  type Resource,
} from "../support/local-cloud";
import { mentions, reboot, snapshot, type Owner } from "../support/machine";
import { ami, network, T, textOf, ZONE, type Network } from "../support/network";
import { must, run, waitFor } from "../support/run";

/*
 * The local cloud against the real kernel, through its plugin's own process and protocol, as the
 * engine drives it; and each part in an account of its own.
 */

const PUBLIC_KEY =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGmJ0mWVmDNXGqN4GhJlqHqzX1dWMT0VQ3mS9Wm5Hq1y test";

const routeToNat = (table: Resource, natGatewayId: string): Props => ({
  routeTableId: table.id,
  destinationCidrBlock: "0.0.0.0/0",
  natGatewayId,
});

/** The machine's own end of a VPC's uplink. */
async function machineAddress(vpc: Resource): Promise<string> {
  const link = await must(["ip", "-br", "-4", "address", "show", `kl-${vpc.id.slice(4, 16)}`]);
  return link
    .trim()
    .split(/\s+/)[2]!
    .replace(/\/\d+$/, "");
}

/** The public addresses that a VPC got, which the machine routes to it. */
function publicBlock({ id }: Resource): string {
  const argv = ["-json", "-4", "route", "show", "dev", `kl-${id.slice(4, 16)}`];
  const routes = JSON.parse(execFileSync("ip", argv).toString()) as { dst: string }[];
  return routes.find(({ dst }) => dst.endsWith("/24"))?.dst ?? JSON.stringify(routes);
}

/** The processes of a VPC's DNS and of its way out. */
async function labDaemons(vpcId: string): Promise<{ pids: number[] }> {
  const { stdout } = await run(["pgrep", "-f", `^(dnsmasq|slirp4netns) .*${vpcId}`]);
  return { pids: stdout.split("\n").filter(Boolean).map(Number) };
}

const owners: Owner[] = [];

/** Clears an account, and notes what it had, for the look at the end. */
async function finish(cloud: Cloud): Promise<void> {
  await cloud.dispose();
  const ids = [...cloud.ids].filter((id) => /^(vpc|i|vol)-/.test(id));
  owners.push({ stateDir: cloud.stateDir, ids });
}

describe("what needs no host", () => {
  const cloud = new Cloud();
  let plugin: Plugin;
  let net: Network;
  let other: Network;
  let image: string;
  let options: Resource;
  let zone: Resource;
  let volume: Resource;
  let keyPair: Resource;
  /** A NAT gateway with its address, an address without one, and a subnet without a gateway. */
  let nat: Resource;
  let eip: Resource;
  let spareEip: Resource;
  let lonely: Resource;
  beforeAll(async () => {
    plugin = await cloud.plugin();
    net = await network(plugin, "one");
    other = await network(plugin, "other", "10.78.0.0/16");
    image = await ami(plugin);
    options = await plugin.create(T.dhcpOptions, "options", { domainName: "foo.test" });
    zone = await plugin.create(T.zone, "zone", { name: "foo.test", vpcs: [{ vpcId: net.vpc.id }] });
    volume = await plugin.create(T.volume, "volume", { availabilityZone: ZONE, size: 1 });
    keyPair = await plugin.create(T.keyPair, "key", { publicKey: PUBLIC_KEY });
    eip = await plugin.create(T.eip, "eip", { domain: "vpc" });
    spareEip = await plugin.create(T.eip, "spare", {});
    nat = await plugin.create(T.nat, "nat", { subnetId: net.subnet.id, allocationId: eip.id });
    const vpc = await plugin.create(T.vpc, "lonely", { cidrBlock: "10.76.0.0/16" });
    lonely = await plugin.create(T.subnet, "lonely", { vpcId: vpc.id, cidrBlock: "10.76.0.0/24" });
  });
  afterAll(() => finish(cloud));

  const host = (changes: Props = {}): Props => ({
    ami: image,
    instanceType: "t3.small",
    subnetId: net.subnet.id,
    vpcSecurityGroupIds: [net.group.id],
    ...changes,
  });

  describe("inputs", () => {
    test.each<[string, string, () => Props, RegExp]>([
      ["a misspelt property", T.vpc, () => ({ cidrBlok: "10.0.0.0/16", cidrBlock: "10.0.0.0/16" }), /^cidrBlok is not a property/],
      ["an inherited name", T.vpc, () => ({ cidrBlock: "10.0.0.0/16", toString: "x" }), /^toString is not a property/],
      ["a wrong type", T.vpc, () => ({ cidrBlock: 10 }), /^cidrBlock must be a string; got 10/],
      ["a missing property", T.vpc, () => ({}), /^cidrBlock is required/],
      ["no CIDR", T.vpc, () => ({ cidrBlock: "10.0.0.0" }), /^cidrBlock must be an IPv4 CIDR block/],
      ["a CIDR with host bits", T.vpc, () => ({ cidrBlock: "10.0.0.1/16" }), /^cidrBlock .* got "10.0.0.1\/16"/],
      ["a CIDR too large", T.vpc, () => ({ cidrBlock: "10.0.0.0/8" }), /between \/16 and \/28/],
      ["a CIDR that the machine routes", T.vpc, () => ({ cidrBlock: publicBlock(net.vpc) }), /^cidrBlock The CIDR '198.1[89]\.\d+\.0\/24' overlaps .* which this machine already routes \(kl-/],
      ["another region", T.vpc, () => ({ cidrBlock: "10.0.0.0/16", region: "us-east-1" }), /^region must be one of ap-northeast-2/],
      ["a route that leads nowhere", T.route, () => ({ routeTableId: "rtb-1", destinationCidrBlock: "0.0.0.0/0" }), /exactly one of gatewayId, natGatewayId must be given; got none/],
      ["a route that leads to two", T.route, () => ({ routeTableId: "rtb-1", destinationCidrBlock: "0.0.0.0/0", gatewayId: "igw-1", natGatewayId: "nat-1" }), /got gatewayId and natGatewayId/],
      ["an address for an instance", T.eip, () => ({ instance: "i-1" }), /^instance is not a property/],
      ["a private NAT gateway", T.nat, () => ({ subnetId: "subnet-1", connectivityType: "private" }), /^connectivityType must be one of public/],
      ["a power state that is none", T.instanceState, () => ({ instanceId: "i-1", state: "terminated" }), /^state must be one of running, stopped/],
      ["a hop limit too high", T.instance, () => host({ metadataOptions: { httpPutResponseHopLimit: 65 } }), /^metadataOptions.httpPutResponseHopLimit must be an integer from 1 to 64; got 65/],
      ["an unknown zone", T.subnet, () => ({ vpcId: "vpc-1", cidrBlock: "10.0.0.0/24", availabilityZone: "eu-west-1a" }), /^availabilityZone must be one of/],
      ["a wrong nested type", T.instance, () => host({ rootBlockDevice: { volumeSize: "8" } }), /^rootBlockDevice.volumeSize must be a number/],
      ["user data twice", T.instance, () => host({ userData: "a", userDataBase64: "Yg==" }), /^userData conflicts with userDataBase64/],
      ["a bad private address", T.instance, () => host({ privateIp: "10.77.0" }), /^privateIp must be an IPv4 address/],
      ["two peers", T.ingress, () => ({ securityGroupId: "sg-1", ipProtocol: "-1", cidrIpv4: "0.0.0.0/0", referencedSecurityGroupId: "sg-2" }), /exactly one of cidrIpv4, referencedSecurityGroupId/],
      ["ports for all protocols", T.ingress, () => ({ securityGroupId: "sg-1", ipProtocol: "-1", fromPort: 1, toPort: 2, cidrIpv4: "0.0.0.0/0" }), /and only then; got 1 and 2/],
      ["ports in the wrong order", T.ingress, () => ({ securityGroupId: "sg-1", ipProtocol: "tcp", fromPort: 2, toPort: 1, cidrIpv4: "0.0.0.0/0" }), /must not be above toPort; got 2 and 1/],
      ["a negative port", T.ingress, () => ({ securityGroupId: "sg-1", ipProtocol: "tcp", fromPort: -1, toPort: -1, cidrIpv4: "0.0.0.0/0" }), /both must be from 0 to 65535; got -1 and -1/],
      ["an ICMP type too high", T.ingress, () => ({ securityGroupId: "sg-1", ipProtocol: "icmp", fromPort: 256, toPort: -1, cidrIpv4: "0.0.0.0/0" }), /both must be from -1 to 255/],
      ["a bad device name", T.attachment, () => ({ deviceName: "sdf", instanceId: "i-1", volumeId: "vol-1" }), /^deviceName must be a device name such as/],
      ["a bad domain", T.dhcpOptions, () => ({ domainName: "foo bar" }), /^domainName must be a domain name/],
      ["another name server", T.dhcpOptions, () => ({ domainNameServers: ["8.8.8.8"] }), /must be \["AmazonProvidedDNS"\]/],
      ["a wildcard", T.record, () => ({ zoneId: "Z1", name: "*.foo.test", type: "A", ttl: 1, records: ["10.0.0.1"] }), /^name must be a domain name without wildcards/],
      ["a group called sg-", T.group, () => ({ vpcId: "vpc-1", name: "sg-1" }), /must not begin with "sg-"/],
    ])("%s is a fault", async (_, type, inputs, reason) => {
      const { failures } = await plugin.check(type, "bad", inputs());
      expect(failures).toEqual([expect.stringMatching(reason)]);
    }); // prettier-ignore

    test("what is not known yet passes", async () => {
      const unknown = host({ subnetId: UNKNOWN, vpcSecurityGroupIds: [UNKNOWN], keyName: UNKNOWN });
      expect((await plugin.check(T.instance, "unknown", unknown)).failures).toEqual([]);
    });

    test("a name that the program does not give is chosen once", async () => {
      const again = await plugin.check(T.keyPair, "key", { publicKey: PUBLIC_KEY }, keyPair.inputs);
      expect(again.inputs["keyName"]).toMatch(/^key-[0-9a-f]{7}$/);
      expect(again.inputs).toEqual(keyPair.inputs);
    });
  });

  describe("AWS's refusals", () => {
    const rule = () => ({
      securityGroupId: net.group.id,
      ipProtocol: "tcp",
      fromPort: 1,
      toPort: 9,
    });
    const name = (changes: Props): Props => ({
      zoneId: zone.id, name: "a", type: "A", ttl: 60, records: ["10.77.0.4"], ...changes,
    }); // prettier-ignore

    test.each<[string, string, () => Props]>([
      ["InvalidVpcID.NotFound", T.subnet, () => ({ vpcId: "vpc-0", cidrBlock: "10.77.1.0/24" })],
      ["InvalidSubnet.Range", T.subnet, () => ({ vpcId: net.vpc.id, cidrBlock: "10.79.0.0/24" })],
      ["InvalidSubnet.Conflict", T.subnet, () => ({ vpcId: net.vpc.id, cidrBlock: "10.77.0.128/25" })],
      ["Resource.AlreadyAssociated", T.gateway, () => ({ vpcId: net.vpc.id })],
      ["RouteAlreadyExists", T.route, () => net.route.inputs],
      ["InvalidGatewayID.NotFound", T.route, () => ({ ...net.route.inputs, gatewayId: "igw-0" })],
      ["InvalidRouteTableID.NotFound", T.route, () => ({ ...net.route.inputs, routeTableId: "rtb-0" })],
      ["InvalidParameterValue", T.route, () => ({ ...net.route.inputs, gatewayId: other.gateway.id })],
      ["InvalidNatGatewayID.NotFound", T.route, () => routeToNat(net.table, "nat-0")],
      ["belong to different networks", T.route, () => routeToNat(other.table, nat.id)],
      ["MissingParameter", T.nat, () => ({ subnetId: net.subnet.id })],
      ["InvalidSubnetID.NotFound", T.nat, () => ({ subnetId: "subnet-0", allocationId: spareEip.id })],
      ["InvalidElasticIpID.NotFound", T.nat, () => ({ subnetId: net.subnet.id, allocationId: "eipalloc-0" })],
      ["Resource.AlreadyAssociated", T.nat, () => nat.inputs],
      ["Gateway.NotAttached", T.nat, () => ({ subnetId: lonely.id, allocationId: spareEip.id })],
      ["InvalidIPAddress.InUse", T.nat, () => ({ ...nat.inputs, allocationId: spareEip.id, privateIp: textOf(nat, "privateIp") })],
      ["Resource.AlreadyAssociated", T.routeTableAssociation, () => net.association.inputs],
      ["InvalidGroup.Duplicate", T.group, () => ({ vpcId: net.vpc.id, name: textOf(net.group, "name") })],
      ["InvalidGroup.NotFound", T.ingress, () => ({ ...rule(), securityGroupId: "sg-0", cidrIpv4: "10.0.0.0/8" })],
      ["InvalidGroup.NotFound", T.ingress, () => ({ ...rule(), referencedSecurityGroupId: other.group.id })],
      ["InvalidPermission.Duplicate", T.egress, () => ({ securityGroupId: net.group.id, ipProtocol: "-1", cidrIpv4: "0.0.0.0/0" })],
      ["MissingParameter", T.dhcpOptions, () => ({})],
      ["InvalidDhcpOptionID.NotFound", T.dhcpAssociation, () => ({ vpcId: net.vpc.id, dhcpOptionsId: "dopt-0" })],
      ["InvalidKeyPair.Duplicate", T.keyPair, () => ({ publicKey: PUBLIC_KEY, keyName: keyPair.id })],
      ["InvalidKey.Format", T.keyPair, () => ({ publicKey: "ssh-dss AAAA" })],
      ["InvalidAMIID.Malformed", T.instance, () => host({ ami: "debian-12" })],
      ["InvalidAMIID.NotFound", T.instance, () => host({ ami: "ami-00000000000000000" })],
      ["Invalid value 't3.huge' for InstanceType", T.instance, () => host({ instanceType: "t3.huge" })],
      ["The architecture", T.instance, () => host({ instanceType: process.arch === "x64" ? "t4g.small" : "t3.small" })],
      ["InvalidSubnetID.NotFound", T.instance, () => host({ subnetId: "subnet-0" })],
      ["InvalidKeyPair.NotFound", T.instance, () => host({ keyName: "nobody" })],
      ["InvalidGroup.NotFound", T.instance, () => host({ vpcSecurityGroupIds: ["sg-0"] })],
      ["InvalidParameter:", T.instance, () => host({ vpcSecurityGroupIds: [other.group.id] })],
      ["reserved address range", T.instance, () => host({ privateIp: "10.77.0.3" })],
      ["InvalidIPAddress.InUse", T.instance, () => host({ privateIp: textOf(nat, "privateIp") })],
      ["InvalidBlockDeviceMapping", T.instance, () => host({ rootBlockDevice: { volumeSize: 4 } })],
      ["Iops to volume size ratio", T.instance, () => host({ rootBlockDevice: { volumeSize: 8, iops: 4001 } })],
      ["InvalidInstanceID.NotFound", T.instanceState, () => ({ instanceId: "i-0", state: "running" })],
      ["does not fall within", T.instance, () => host({ privateIp: "10.77.1.4" })],
      ["InvalidParameterValue", T.instance, () => host({ availabilityZone: "ap-northeast-2b" })],
      ["User data is limited", T.instance, () => host({ userData: "x".repeat(16385) })],
      ["too large for volume type gp2", T.volume, () => ({ availabilityZone: ZONE, size: 20000, type: "gp2" })],
      ["InvalidParameterCombination", T.volume, () => ({ availabilityZone: ZONE, size: 1, type: "gp2", iops: 3000 })],
      ["InvalidInstanceID.NotFound", T.attachment, () => ({ deviceName: "/dev/sdf", instanceId: "i-0", volumeId: volume.id })],
      ["InvalidVpcID.NotFound", T.zone, () => ({ name: "bar.test", vpcs: [{ vpcId: "vpc-0" }] })],
      ["ConflictingDomainExists", T.zone, () => zone.inputs],
      ["NoSuchHostedZone", T.record, () => name({ zoneId: "Z0" })],
      ["ARRDATAIllegalIPv4Address", T.record, () => name({ records: ["10.77.0"] })],
      ["InvalidChangeBatch", T.record, () => name({ records: [] })],
      ["MultipleCNAMEs", T.record, () => name({ type: "CNAME", records: ["a.foo.test", "b.foo.test"] })],
    ])("%s (%s)", async (code, type, inputs) => {
      const records = cloud.records.length;
      await expect(plugin.create(type, "refused", inputs())).rejects.toThrow(code);
      expect(cloud.records).toHaveLength(records);
    }); // prettier-ignore

    test("records clash by name and type", async () => {
      const record = await plugin.create(T.record, "a", name({}));
      for (const changes of [
        {},
        { name: "A.foo.test." },
        { type: "CNAME", records: ["b.foo.test"] },
      ]) {
        const twin = plugin.create(T.record, "twin", name(changes));
        await expect(twin).rejects.toThrow("InvalidChangeBatch");
      }
      expect(textOf(record, "fqdn")).toBe("a.foo.test");
    });

    test("what is in use is not deleted", async () => {
      const association = await plugin.create(T.dhcpAssociation, "options", {
        vpcId: net.vpc.id,
        dhcpOptionsId: options.id,
      });
      const user = await plugin.create(T.ingress, "user", {
        ...rule(),
        securityGroupId: (await plugin.create(T.group, "user", { vpcId: net.vpc.id })).id,
        referencedSecurityGroupId: net.group.id,
      });
      await Promise.all(
        [
          [net.vpc, `The vpc '${net.vpc.id}' has dependencies and cannot be deleted`],
          [net.table, "DependencyViolation"],
          [net.gateway, "DependencyViolation: Network vpc-"],
          [net.subnet, "DependencyViolation: The subnet"],
          [eip, "operation error EC2: ReleaseAddress, api error InvalidIPAddress.InUse"],
          [net.group, "DependencyViolation: resource sg-"],
          [options, "DependencyViolation"],
          [zone, "deleting Route 53 Hosted Zone: operation error Route 53: DeleteHostedZone, api error HostedZoneNotEmpty"],
        ].map(([resource, message]) =>
          expect(plugin.delete(resource as Resource)).rejects.toThrow(message as string),
        ),
      ); // prettier-ignore
      await plugin.delete(user);
      await plugin.delete(association);
      expect(await plugin.read(net.vpc)).toBeDefined();
    });
  });

  test("look-ups have AWS's form", async () => {
    expect(await plugin.invoke("aws:index/getCallerIdentity:getCallerIdentity", {})).toMatchObject({
      accountId: "000000000000",
    });
    expect(await plugin.invoke("aws:index/getRegion:getRegion", {})).toMatchObject({
      region: "ap-northeast-2",
    });
    const zones = { excludeNames: [ZONE] };
    expect(
      await plugin.invoke("aws:index/getAvailabilityZones:getAvailabilityZones", zones),
    ).toMatchObject({ names: ["b", "c", "d"].map((letter) => `ap-northeast-2${letter}`) });
    const debian = process.arch === "x64" ? "amd64" : "arm64";
    expect(
      await plugin.invoke("aws:ssm/getParameter:getParameter", {
        name: `/aws/service/debian/release/12/latest/${debian}`,
      }),
    ).toMatchObject({ value: image });
    await expect(
      plugin.invoke("aws:ssm/getParameter:getParameter", { name: "/nothing" }),
    ).rejects.toThrow("ParameterNotFound");
    const offerings = "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings";
    const filters = [
      { name: "instance-type", values: ["t3.small", "t9.small"] },
      { name: "location", values: [ZONE, "us-east-1a"] },
    ];
    expect(
      await plugin.invoke(offerings, { locationType: "availability-zone", filters }),
    ).toMatchObject({
      instanceTypes: ["t3.small"],
      locations: [ZONE],
      locationTypes: ["availability-zone"],
    });
    await expect(plugin.invoke(offerings, {})).rejects.toThrow("InvalidParameterValue");
  });

  describe("the life of each type", () => {
    interface Case {
      type: string;
      inputs: () => Props;
      id: RegExp;
      /** A change in place. */
      update?: Props;
      /** A change that makes a new resource. */
      replace?: () => Props;
      outs?: Props;
    }
    const cases: Case[] = [
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
        inputs: () => ({ vpcId: net.vpc.id, cidrBlock: "10.77.9.0/24" }),
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
        inputs: () => ({ vpcId: net.vpc.id }),
        id: /^rtb-[0-9a-f]{17}$/,
        update: { tags: { a: "b" } },
        replace: () => ({ vpcId: other.vpc.id }),
      },
      {
        type: T.route,
        inputs: () => ({ ...net.route.inputs, destinationCidrBlock: "192.0.2.0/24" }),
        id: /^r-rtb-[0-9a-f]{17}\d+$/,
        replace: () => ({ destinationCidrBlock: "198.51.100.0/24" }),
      },
      {
        type: T.eip,
        inputs: () => ({ domain: "vpc" }),
        id: /^eipalloc-[0-9a-f]{17}$/,
        update: { tags: { a: "b" } },
        outs: {
          publicIp: expect.stringMatching(/^198\.19\.254\.\d+$/) as string,
          associationId: "",
          publicIpv4Pool: "amazon",
        },
      },
      {
        type: T.nat,
        inputs: () => ({ subnetId: net.subnet.id, allocationId: spareEip.id }),
        id: /^nat-[0-9a-f]{17}$/,
        update: { tags: { a: "b" } },
        replace: () => ({ allocationId: eip.id }),
        outs: { connectivityType: "public", privateIp: "10.77.0.5" },
      },
      {
        type: T.group,
        inputs: () => ({ vpcId: net.vpc.id, name: "kafka", description: "x" }),
        id: /^sg-[0-9a-f]{17}$/,
        update: { tags: { a: "b" } },
        replace: () => ({ description: "y" }),
      },
      {
        type: T.ingress,
        inputs: () => ({
          securityGroupId: net.group.id,
          ipProtocol: "tcp",
          fromPort: 9092,
          toPort: 9092,
          referencedSecurityGroupId: net.group.id,
        }),
        id: /^sgr-[0-9a-f]{17}$/,
        update: { toPort: 9093 },
        replace: () => ({ securityGroupId: textOf(net.vpc, "defaultSecurityGroupId") }),
      },
      {
        type: T.dhcpOptions,
        inputs: () => ({ domainName: "bar.test", domainNameServers: ["AmazonProvidedDNS"] }),
        id: /^dopt-[0-9a-f]{17}$/,
        replace: () => ({ domainName: "baz.test" }),
      },
      {
        type: T.dhcpAssociation,
        inputs: () => ({ vpcId: other.vpc.id, dhcpOptionsId: options.id }),
        id: /^dopt-[0-9a-f]{17}-vpc-[0-9a-f]{17}$/,
        replace: () => ({ vpcId: net.vpc.id }),
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
        inputs: () => ({ name: "1.77.10.in-addr.arpa", vpcs: [{ vpcId: net.vpc.id }] }),
        id: /^Z[0-9A-Z]{19}$/,
        update: { comment: "reverse" },
        replace: () => ({ name: "2.77.10.in-addr.arpa" }),
      },
      {
        type: T.record,
        inputs: () => ({ zoneId: zone.id, name: "b", type: "A", ttl: 60, records: ["10.77.0.5"] }),
        id: /^Z[0-9A-Z]{19}_b_A$/,
        update: { records: ["10.77.0.6"] },
        replace: () => ({ name: "c" }),
        outs: { fqdn: "b.foo.test" },
      },
    ];

    test.each(cases)("$type", async ({ type, inputs, id, update, replace, outs }) => {
      const made = await plugin.create(type, "life", inputs());
      expect(made.id).toMatch(id);
      expect(made.outs).toMatchObject({ ...made.inputs, ...outs });

      expect(await plugin.diff(made)).toMatchObject({ changes: false, replaces: [] });
      const read = await plugin.read(made);
      expect(read).toEqual(made);

      let last = made;
      if (update) {
        expect(await plugin.diff(made, update)).toMatchObject({ changes: true, replaces: [] });
        last = await plugin.update(made, update);
        expect(last.outs).toMatchObject(update);
        expect(await plugin.diff(last)).toMatchObject({ changes: false });
        expect(await plugin.read(last)).toEqual(last);
      }
      if (replace) {
        const changes = replace();
        const diff = await plugin.diff(last, changes);
        expect(diff).toMatchObject({ changes: true, replaces: Object.keys(changes) });
        // Two with a name of the program's choice cannot stand side by side.
        expect(diff.deleteBeforeReplace).toBe(type === T.group || type === T.keyPair);
      }
      await plugin.delete(last);
      await plugin.delete(last);
      expect(await plugin.read(last)).toBeUndefined();
      expect(await plugin.diff(last)).toEqual({
        changes: true,
        replaces: ["id"],
        deleteBeforeReplace: true,
      });
      await expect(plugin.update(last, update ?? {})).rejects.toThrow(/does not exist any more/);
    });

    test("a route leads somewhere else in place, and nowhere when that is gone", async () => {
      const target = await plugin.create(T.nat, "target", {
        subnetId: net.subnet.id,
        allocationId: spareEip.id,
        privateIp: "10.77.0.50",
      });
      const inputs = { ...net.route.inputs, destinationCidrBlock: "192.0.2.0/24" };
      const made = await plugin.create(T.route, "moving", inputs);
      const change = { gatewayId: undefined, natGatewayId: target.id };
      expect(await plugin.diff(made, change)).toMatchObject({ changes: true, replaces: [] });
      const moved = await plugin.update(made, change);
      expect(moved.outs).toMatchObject({ natGatewayId: target.id, state: "active" });
      expect(moved.outs).not.toHaveProperty("gatewayId");
      expect(await plugin.diff(moved)).toMatchObject({ changes: false });
      await plugin.delete(target);
      expect((await plugin.read(moved))?.outs["state"]).toBe("blackhole");
      await plugin.delete(moved);
    });

    test("a NAT gateway has its address, and one of its subnet's", async () => {
      expect((await plugin.read(eip))?.outs).toMatchObject({
        associationId: nat.outs["associationId"],
        networkInterface: nat.outs["networkInterfaceId"],
        privateIp: nat.outs["privateIp"],
        publicIp: nat.outs["publicIp"],
      });
      expect(nat.outs).toMatchObject({ privateIp: "10.77.0.4", publicIp: eip.outs["publicIp"] });
      expect((await plugin.read(net.subnet))?.outs["availableIpAddressCount"]).toBe(250);
    });

    test("a volume keeps what the program asks for no more", async () => {
      const asked = { availabilityZone: ZONE, size: 8, type: "gp3" };
      const made = await plugin.create(T.volume, "kept", asked);
      const faster = await plugin.update(made, { iops: 4000 });
      expect(await plugin.diff(faster, { iops: undefined })).toMatchObject({ changes: false });
      const larger = await plugin.update(faster, { iops: undefined, size: 9 });
      expect(larger.outs).toMatchObject({ type: "gp3", size: 9, iops: 4000, throughput: 125 });
      await plugin.delete(larger);
    });

    test("status looks at the DNS of a VPC and at its way out", async () => {
      const status = async () => {
        const script = `require("./cli/status/local-cloud.ts").localCloudStatus("test").then((found) => console.log(JSON.stringify(found)))`;
        const argv = ["node", "--import", "tsx", "-e", script];
        const env = { ...process.env, KAFKALAB_STATE: cloud.stateDir };
        const { networks } = JSON.parse(await must(argv, { env })) as LocalCloudStatus;
        return networks[net.vpc.id];
      };
      const record = await plugin.create(T.record, "status", {
        ...{ zoneId: zone.id, name: "status.foo.test", type: "A", ttl: 60 },
        records: ["10.77.0.9"],
      });
      expect(await status()).toEqual({ dns: "ok", wayOut: "ok" });

      const { pids } = await labDaemons(net.vpc.id);
      expect(pids).toHaveLength(2);
      pids.forEach((pid) => process.kill(pid, "SIGKILL"));
      await waitFor("the daemons", "ended", 10, async () => {
        const left = await labDaemons(net.vpc.id);
        return left.pids.length === 0 ? left : left.pids.join(", ");
      });
      expect(await status()).toEqual({
        dns: expect.stringMatching(/^no address of .*status\.foo\.test/) as string,
        wayOut: "down",
      });
      await plugin.update(net.vpc, {});
      expect(await status()).toEqual({ dns: "ok", wayOut: "ok" });
      await plugin.delete(record);
    });

    test("an update is refused as a creation is", async () => {
      const made = await plugin.create(T.volume, "shrink", { availabilityZone: ZONE, size: 2 });
      await expect(plugin.update(made, { size: 1 })).rejects.toThrow(
        "updating EBS Volume: operation error EC2: CreateVolume, api error InvalidParameterValue: New size cannot be smaller",
      );
      expect(await plugin.diff(made)).toMatchObject({ changes: false });
      await plugin.delete(made);
    });

    test("secrets stay secret", async () => {
      const inputs = { availabilityZone: ZONE, size: 1, tags: secret({ Owner: "me" }) };
      const made = await plugin.create(T.volume, "secret", inputs);
      expect(made.outs["tags"]).toEqual(inputs.tags);
      expect(made.outs["tagsAll"]).toEqual(inputs.tags);
      expect(await plugin.diff(made)).toMatchObject({ changes: false });
      expect((await plugin.read(made))?.inputs["tags"]).toEqual(inputs.tags);
      await plugin.delete(made);
    });
  });
});

describe("hosts", () => {
  const cloud = new Cloud();
  let plugin: Plugin;
  let net: Network;
  let a: Resource;
  let b: Resource;
  /** In a private subnet, whose route table this is. */
  let c: Resource;
  let privateTable: Resource;
  let keyFile: string;

  const address = (host: Resource) => textOf(host, "privateIp");
  /** Whether `from` opens a connection to the port; a dropped one is given up soon. */
  const connects = async (from: Resource, to: string, port: number) =>
    (await tryHostShell(from.id, `timeout 0.4 bash -c '</dev/tcp/${to}/${port}'`)).status === 0;
  /** Whether the machine itself opens a connection. */
  const machineConnects = async (to: string, port: number) =>
    (await run(["timeout", "0.4", "bash", "-c", `</dev/tcp/${to}/${port}`])).status === 0;
  const lookUp = (host: Resource) =>
    plugin.invoke("aws:ec2/getInstance:getInstance", { instanceId: host.id });
  const device = (volume: Resource) =>
    `/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${volume.id.replace("-", "")}`;

  beforeAll(async () => {
    plugin = await cloud.plugin();
    keyFile = join(cloud.stateDir, "key");
    await must(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", keyFile]);
    net = await network(plugin, "net");
    const key = await plugin.create(T.keyPair, "key", {
      publicKey: readFileSync(`${keyFile}.pub`, "utf8"),
    });
    const options = await plugin.create(T.dhcpOptions, "net", { domainName: "foo.test" });
    await plugin.create(T.dhcpAssociation, "net", {
      vpcId: net.vpc.id,
      dhcpOptionsId: options.id,
    });
    await plugin.create(T.ingress, "ssh", {
      securityGroupId: net.group.id,
      ipProtocol: "tcp",
      fromPort: 22,
      toPort: 22,
      cidrIpv4: "198.18.0.0/15",
    });
    const vpcId = net.vpc.id;
    const privateSubnet = await plugin.create(T.subnet, "private", {
      vpcId,
      cidrBlock: "10.77.1.0/24",
      availabilityZone: ZONE,
    });
    privateTable = await plugin.create(T.routeTable, "private", { vpcId });
    await plugin.create(T.routeTableAssociation, "private", {
      subnetId: privateSubnet.id,
      routeTableId: privateTable.id,
    });
    const inputs = {
      ami: await ami(plugin),
      instanceType: "t3.small",
      subnetId: net.subnet.id,
      keyName: key.id,
      vpcSecurityGroupIds: [net.group.id],
      userData: "#!/bin/sh\necho ran >>/root/ran\n",
    };
    [a, b, c] = await Promise.all([
      plugin.create(T.instance, "a", {
        ...inputs,
        privateIp: "10.77.0.20",
        associatePublicIpAddress: true,
      }),
      plugin.create(T.instance, "b", inputs),
      plugin.create(T.instance, "c", { ...inputs, subnetId: privateSubnet.id }),
    ]);
    await Promise.all([a, b, c].map((host) => booted(host.id, address(host))));
    await hostShell(b.id, "systemd-run --quiet --unit=listener nc -lk 9092");
  });
  afterAll(() => finish(cloud));

  test("get their address in a subnet made anew, although it is leased to another host", async () => {
    for (const name of ["former", "later"]) {
      const subnet = await plugin.create(T.subnet, name, {
        ...{ vpcId: net.vpc.id, cidrBlock: "10.77.9.0/24", availabilityZone: ZONE },
      });
      const host = await plugin.create(T.instance, name, {
        ...{ ami: await ami(plugin), instanceType: "t3.small", subnetId: subnet.id },
        ...{ privateIp: "10.77.9.20", vpcSecurityGroupIds: [net.group.id] },
      });
      await booted(host.id, address(host));
      await plugin.delete(host);
      await plugin.delete(subnet);
    }
  });

  test("have AWS's outputs, and no difference from what was asked for", async () => {
    expect(a.id).toMatch(/^i-[0-9a-f]{17}$/);
    expect(a.outs).toMatchObject({
      privateIp: "10.77.0.20",
      privateDns: "ip-10-77-0-20.ap-northeast-2.compute.internal",
      availabilityZone: ZONE,
      instanceState: "running",
      publicIp: expect.stringMatching(/^198\.1[89]\.\d+\.\d+$/) as string,
    });
    expect(b.outs).toMatchObject({ privateIp: "10.77.0.4" });
    expect(await plugin.diff(a)).toMatchObject({ changes: false });
    expect(await plugin.read(a)).toEqual(a);
    const asked = { userData: "#!/bin/sh\n" };
    expect(await plugin.diff(a, asked)).toMatchObject({ replaces: [] });
    expect(await plugin.diff(a, { ...asked, userDataReplaceOnChange: true })).toMatchObject({
      replaces: ["userData"],
    });
    for (const change of [{ ami: "ami-0" }, { subnetId: "subnet-0" }, { keyName: "other" }]) {
      expect((await plugin.diff(a, change)).replaces).toEqual(Object.keys(change));
    }
  });

  test("an address that a host has is refused", async () => {
    const twin = plugin.create(T.instance, "twin", { ...a.inputs });
    await expect(twin).rejects.toThrow("InvalidIPAddress.InUse");
  });

  test("run their user data once, and take the key pair's owner in by the public address", async () => {
    const ssh = ["ssh", "-i", keyFile, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]; // prettier-ignore
    const said = await run([...ssh, `admin@${textOf(a, "publicIp")}`, "sudo cat /root/ran"]);
    expect(said.stdout).toBe("ran\n");
  });

  test("reach only what the security groups let them, at once", async () => {
    expect(await connects(a, address(b), 9092)).toBe(false);
    const rule = await plugin.create(T.ingress, "kafka", {
      securityGroupId: net.group.id,
      ipProtocol: "tcp",
      fromPort: 9092,
      toPort: 9092,
      referencedSecurityGroupId: net.group.id,
    });
    expect(await connects(a, address(b), 9092)).toBe(true);
    // The replies pass though no rule lets b's group in on a's port; b itself has no business there.
    expect(await connects(b, address(a), 22)).toBe(false);
    const narrowed = await plugin.update(rule, { fromPort: 9093, toPort: 9093 });
    expect(await connects(a, address(b), 9092)).toBe(false);
    await plugin.update(narrowed, { fromPort: 9000, toPort: 9100 });
    expect(await connects(a, address(b), 9092)).toBe(true);
    await plugin.delete(rule);
    expect(await connects(a, address(b), 9092)).toBe(false);
  });

  test("cannot go round the firewall by each other's hardware address", async () => {
    const pairs = [[a, b], [b, a]] as const; // prettier-ignore
    for (const [from, to] of pairs) {
      const [, , mac] = (await hostShell(to.id, "ip -br link show ens5")).split(/\s+/);
      const neighbour = `${address(to)} lladdr ${mac} dev ens5 nud permanent`;
      await hostShell(from.id, `ip neigh replace ${neighbour}`);
    }
    expect(await connects(a, address(b), 9092)).toBe(false);
    for (const [from, to] of pairs)
      await hostShell(from.id, `ip neigh del ${address(to)} dev ens5`);
  });

  test("see a rule that another plugin process removed, when the first adds it again", async () => {
    const inputs = {
      securityGroupId: net.group.id,
      ipProtocol: "tcp",
      fromPort: 9092,
      toPort: 9092,
      cidrIpv4: `${address(a)}/32`,
    };
    const rule = await plugin.create(T.ingress, "shared", inputs);
    const second = await cloud.plugin("second");
    await second.delete(rule);
    await second.stop();
    expect(await connects(a, address(b), 9092)).toBe(false);
    const again = await plugin.create(T.ingress, "shared", inputs);
    expect(await connects(a, address(b), 9092)).toBe(true);
    await plugin.delete(again);
  });

  test("in a private subnet get out through a NAT gateway alone, and nobody gets in", async () => {
    expect(c.outs).toMatchObject({ publicIp: "", associatePublicIpAddress: false });
    // What is outside: an address of the machine that the VPC's router does not have itself.
    const far = await plugin.create(T.vpc, "far", { cidrBlock: "10.76.0.0/16" });
    const server = createServer().listen(0, await machineAddress(far));
    await once(server, "listening");
    const outside = server.address() as AddressInfo;
    const getsOut = () => connects(c, outside.address, outside.port);
    try {
      expect(await connects(a, outside.address, outside.port)).toBe(true);
      expect(await getsOut()).toBe(false);

      const eip = await plugin.create(T.eip, "nat", { domain: "vpc" });
      const nat = await plugin.create(T.nat, "nat", {
        subnetId: net.subnet.id,
        allocationId: eip.id,
      });
      const route = await plugin.create(T.route, "nat", routeToNat(privateTable, nat.id));
      expect(await getsOut()).toBe(true);
      const silent = await plugin.create(T.group, "silent", { vpcId: net.vpc.id });
      const muted = await plugin.update(c, { vpcSecurityGroupIds: [silent.id] });
      expect(await getsOut()).toBe(false);
      await plugin.update(muted, c.inputs);

      // SSH is open to the machine, but no address leads there; not even with a route of one's own.
      const router = (await machineAddress(net.vpc)).replace(/\d+$/, "2");
      await must(["ip", "route", "add", `${address(c)}/32`, "via", router]);
      try {
        expect(await machineConnects(textOf(a, "publicIp"), 22)).toBe(true);
        expect(await machineConnects(address(c), 22)).toBe(false);
      } finally {
        await must(["ip", "route", "delete", `${address(c)}/32`]);
      }

      await plugin.delete(nat);
      expect(await getsOut()).toBe(false);
      for (const part of [route, eip, silent, far]) await plugin.delete(part);
    } finally {
      server.close();
    }
  });

  test("in a private subnet reach the VPC's own, and are reached from it, as the groups say", async () => {
    expect(await connects(a, address(c), 22)).toBe(false);
    const inputs = {
      securityGroupId: net.group.id,
      ipProtocol: "tcp",
      fromPort: 22,
      toPort: 22,
      referencedSecurityGroupId: net.group.id,
    };
    const rule = await plugin.create(T.ingress, "inside", inputs);
    expect(await connects(a, address(c), 22)).toBe(true);
    expect(await connects(c, address(a), 22)).toBe(true);
    await plugin.delete(rule);
    expect(await connects(a, address(c), 22)).toBe(false);
    // Its resolver knows the archive mirror, which answers.
    expect(await connects(c, "mirror.local-cloud.internal", 80)).toBe(true);
  });

  test("without a security group of their own are in the VPC's", async () => {
    const own = textOf(net.vpc, "defaultSecurityGroupId");
    const moved = await Promise.all(
      [a, b].map((host) => plugin.update(host, { vpcSecurityGroupIds: [own] })),
    );
    expect(moved.map((host) => host.outs["vpcSecurityGroupIds"])).toEqual([[own], [own]]);
    expect(await connects(a, address(b), 9092)).toBe(true);
    await Promise.all([a, b].map((host) => plugin.update(host, {})));
    expect(await connects(a, address(b), 9092)).toBe(false);
  });

  test("find each other by DNS, as the private zones say", async () => {
    const vpcs = [{ vpcId: net.vpc.id }];
    const zone = await plugin.create(T.zone, "zone", { name: "foo.test", vpcs });
    const reverse = await plugin.create(T.zone, "reverse", { name: "0.77.10.in-addr.arpa", vpcs });
    const zoneId = zone.id;
    const record = (name: string, type: string, records: string[]) =>
      plugin.create(T.record, `${name}-${type}`, { zoneId, name, type, ttl: 60, records });
    const kafka = await record("kafka01", "A", [address(b)]);
    const alias = await record("broker", "CNAME", ["kafka01.foo.test"]);
    await plugin.create(T.record, "ptr", {
      zoneId: reverse.id,
      name: "4",
      type: "PTR",
      ttl: 60,
      records: ["kafka01.foo.test"],
    });
    const lookUp = async (name: string) => {
      const { status, stdout } = await tryHostShell(a.id, `getent ahostsv4 ${name}`);
      return status === 0 ? stdout.split(/\s/)[0] : undefined;
    };
    expect(await lookUp("kafka01.foo.test")).toBe(address(b));
    // Debian's image takes no search domain from DHCP.
    expect(await lookUp("kafka01")).toBeUndefined();
    expect(await lookUp("broker.foo.test")).toBe(address(b));
    expect(await hostShell(a.id, `getent hosts ${address(b)}`)).toContain("kafka01.foo.test");

    await plugin.update(kafka, { records: [address(a)] });
    await waitFor("the changed record", "served", 10, async () => {
      const seen = await lookUp("kafka01.foo.test");
      return seen === address(a) ? { seen } : String(seen);
    });
    await plugin.delete(alias);
    await waitFor("the deleted alias", "gone", 10, async () => {
      const seen = await lookUp("broker.foo.test");
      return seen === undefined ? {} : seen;
    });
  });

  test("take other DHCP options when they renew their lease", async () => {
    const options = await plugin.create(T.dhcpOptions, "next", { domainName: "bar.test" });
    const association = cloud.records.find((record) => record.type === T.dhcpAssociation)!;
    const read = await plugin.read({ ...association, outs: {} });
    expect(await plugin.diff(read!, { dhcpOptionsId: options.id })).toMatchObject({ replaces: [] });
    await plugin.update(read!, { dhcpOptionsId: options.id });
    await hostShell(a.id, "networkctl renew ens5");
    await waitFor("the domain", "changed", 10, async () => {
      const seen = await hostShell(a.id, "grep ^DOMAINNAME= /run/systemd/netif/leases/*");
      return seen === "DOMAINNAME=bar.test" ? { seen } : seen;
    });
  });

  test("have their volumes, whichever comes first, full when they are full", async () => {
    const volume = (name: string) =>
      plugin.create(T.volume, name, { availabilityZone: ZONE, size: 1, type: "gp3" });
    const [one, two, far] = [
      await volume("one"),
      await volume("two"),
      await plugin.create(T.volume, "far", { availabilityZone: "ap-northeast-2b", size: 1 }),
    ];
    const attach = (name: string, of: Resource, deviceName: string) =>
      plugin.create(T.attachment, name, { volumeId: of.id, instanceId: a.id, deviceName });
    const later = await attach("one", one, "/dev/sdg");
    await hostShell(a.id, `mkfs.ext4 -q ${device(one)} && mount ${device(one)} /mnt`);
    // The name of its device comes before the other's; the devices of both must stay what they are.
    const earlier = await attach("two", two, "/dev/sdf");
    expect(await hostShell(a.id, `stat -L -c %t:%T ${device(one)}`)).not.toBe(
      await hostShell(a.id, `stat -L -c %t:%T ${device(two)}`),
    );
    expect((await tryHostShell(a.id, `mkfs.ext4 -q -F ${device(one)}`)).status).not.toBe(0);
    expect(await plugin.diff(later)).toMatchObject({ changes: false });

    await expect(attach("twice", one, "/dev/sdh")).rejects.toThrow("VolumeInUse");
    await expect(attach("far", far, "/dev/sdh")).rejects.toThrow("InvalidVolume.ZoneMismatch");
    const third = await volume("third");
    await expect(attach("clash", third, "/dev/sdg")).rejects.toThrow("is already in use");
    await expect(plugin.delete(later)).rejects.toThrow("api error IncorrectState");
    expect(await plugin.diff(later)).toMatchObject({ changes: false });

    const filled = await tryHostShell(a.id, "fallocate -l 2G /mnt/x; rm /mnt/x");
    expect(filled.output).toContain("No space left on device");
    await plugin.update(one, { size: 2 });
    // Offline: a file system grows while it is mounted only where the kernel lets the machine do so.
    await hostShell(
      a.id,
      `umount /mnt && e2fsck -fp ${device(one)} && resize2fs ${device(one)} && mount ${device(one)} /mnt`,
    );
    expect(Number(await hostShell(a.id, "df --output=size -m /mnt | tail -1"))).toBeGreaterThan(
      1800,
    );

    await hostShell(a.id, "echo kept >/mnt/file");
    await plugin.delete(earlier);
    expect((await tryHostShell(a.id, `test -e ${device(two)}`)).status).toBe(1);
    for (const spare of [two, far, third]) await plugin.delete(spare);
  });

  test("come back from a reboot of their own, with their volume, which can then be detached", async () => {
    const before = hostInit(a.id);
    await tryHostShell(a.id, "systemctl reboot");
    await waitFor("the host", "rebooted", 60, () => {
      const now = hostInit(a.id);
      return now !== undefined && now !== before ? { now } : `systemd as process ${now}`;
    });
    await booted(a.id, address(a));
    expect(await hostShell(a.id, "cat /root/ran")).toBe("ran");

    const attachment = cloud.records.find((record) => record.type === T.attachment)!;
    const volume = cloud.records.find((record) => record.type === T.volume)!;
    const path = device(volume as unknown as Resource);
    expect(await hostShell(a.id, `mount ${path} /mnt && cat /mnt/file && umount /mnt`)).toBe(
      "kept",
    );
    await plugin.delete(attachment);
    expect((await tryHostShell(a.id, `test -e ${path} || test -e /dev/nvme1n1`)).status).toBe(1);
    expect(
      (await run(["losetup", "--associated", `${cloud.stateDir}/cloud/volumes/${volume.id}.img`]))
        .stdout,
    ).toBe("");
    await plugin.delete(volume);
  });

  test("that are powered off from inside are started by an update, with another public address", async () => {
    await hostShell(a.id, "echo kept >/root/kept");
    await tryHostShell(a.id, "systemctl poweroff");
    await waitFor("the host", "powered off", 60, async () => {
      const seen = (await plugin.read(a))?.outs["instanceState"];
      return seen === "stopped" ? { seen } : String(seen);
    });
    expect(await plugin.diff(a)).toMatchObject({ changes: true, replaces: [] });
    const started = await plugin.update(a, {});
    await booted(a.id, address(a));
    expect(started.outs["privateIp"]).toBe(a.outs["privateIp"]);
    expect(started.outs["publicIp"]).not.toBe(a.outs["publicIp"]);
    expect(await hostShell(a.id, "cat /root/kept /root/ran")).toBe("kept\nran");
    a = started;
  });

  test("are stopped and started for another type", async () => {
    const init = hostInit(a.id);
    const changed = await plugin.update(a, { instanceType: "t3.medium" });
    expect(changed.outs).toMatchObject({ instanceType: "t3.medium", instanceState: "running" });
    expect(hostInit(a.id)).not.toBe(init);
    expect(changed.outs["publicIp"]).not.toBe(a.outs["publicIp"]);
    await booted(a.id, address(a));
    a = changed;
  });

  test("power off in order at a SIGTERM, and boot again whatever systemd-nspawn has left of them", async () => {
    await hostShell(
      a.id,
      "systemd-run --quiet --property=ExecStop='/bin/touch /root/in-order' sleep 1h",
    );
    const script = join(cloud.stateDir, "cloud/instances", a.id, "host.sh");
    const runner = () => daemonPid({ argv: ["sh", script], mark: script });
    process.kill(Number(runner()), "SIGTERM");
    // It ends after the host, once it has removed what systemd-nspawn keeps.
    await waitFor("the host's runner", "gone", 60, () => (runner() === undefined ? {} : "it runs"));
    expect(hostInit(a.id)).toBeUndefined();
    const upper = join(cloud.stateDir, "cloud/instances", a.id, "upper");
    expect(existsSync(join(upper, "root/in-order"))).toBe(true);

    // As version 256 and later leave it, which then refuse to boot.
    const remains = `/run/systemd/nspawn/unix-export/${a.id}`;
    mkdirSync(remains, { recursive: true });
    await must(["mount", "-t", "tmpfs", "-o", "mode=0755", a.id, remains]);
    expect(await plugin.diff(a)).toMatchObject({ changes: true });
    a = await plugin.update(a, {});
    await booted(a.id, address(a));
    expect(readFileSync("/proc/self/mounts", "utf8")).not.toContain(`${a.id} ${remains} `);
  });

  test("are looked up as they are", async () => {
    expect(await lookUp(c)).toMatchObject({
      ...c.inputs,
      id: c.id,
      instanceState: "running",
      privateIp: address(c),
      publicIp: "",
      arn: c.outs["arn"],
      availabilityZone: ZONE,
      userData: createHash("sha1").update(textOf(c, "userData")).digest("hex"),
    });
    const find = (args: Props) => plugin.invoke("aws:ec2/getInstance:getInstance", args);
    await expect(find({ instanceId: "i-0" })).rejects.toThrow("InvalidInstanceID.NotFound");
    await expect(find({})).rejects.toThrow("only by its instanceId; got none");
    const filters = [{ name: "instance-id", values: [c.id] }];
    await expect(find({ filters })).rejects.toThrow("only by its instanceId; got filters");
  });

  test("are stopped and started by their state, and stay stopped", async () => {
    const marked = (file: string) =>
      existsSync(join(cloud.stateDir, "cloud/instances", b.id, "upper/root", file));
    const mark = (file: string) =>
      hostShell(
        b.id,
        `systemd-run --quiet --property=ExecStop='/bin/touch /root/${file}' sleep 1h`,
      );
    const init = hostInit(b.id);
    const wish = { instanceId: b.id, state: "running" };
    let state = await plugin.create(T.instanceState, "b", wish);
    expect(state.id).toBe(b.id);
    expect(hostInit(b.id)).toBe(init);
    expect(await plugin.diff(state)).toMatchObject({ changes: false });
    expect(await plugin.read(state)).toEqual(state);
    expect(await plugin.diff(state, { instanceId: a.id })).toMatchObject({
      replaces: ["instanceId"],
    });

    await mark("in-order");
    const lastAddress = (await lookUp(b))["publicIp"] as string;
    expect(await machineConnects(lastAddress, 22)).toBe(true);
    state = await plugin.update(state, { state: "stopped" });
    expect(hostInit(b.id)).toBeUndefined();
    expect(marked("in-order")).toBe(true);
    expect(await lookUp(b)).toMatchObject({
      instanceState: "stopped",
      publicIp: "",
      associatePublicIpAddress: false,
    });
    expect((await plugin.read(b))?.outs).toMatchObject({
      instanceState: "stopped",
      publicIp: "",
      privateIp: b.outs["privateIp"],
    });
    for (const made of [state, b]) {
      expect(await plugin.diff(made)).toMatchObject({ changes: false });
    }
    b = await plugin.update(b, { instanceType: "t3.medium", tags: { Name: "b" } });
    expect(b.outs).toMatchObject({ instanceType: "t3.medium", instanceState: "stopped" });
    expect(hostInit(b.id)).toBeUndefined();

    state = await plugin.update(state, { state: "running" });
    await booted(b.id, address(b));
    const nextAddress = (await lookUp(b))["publicIp"] as string;
    expect(nextAddress).not.toBe(lastAddress);
    expect(await machineConnects(nextAddress, 22)).toBe(true);
    expect(await machineConnects(lastAddress, 22)).toBe(false);
    expect(await plugin.diff(b)).toMatchObject({ changes: false });

    await mark("pulled");
    state = await plugin.update(state, { state: "stopped", force: true });
    expect(hostInit(b.id)).toBeUndefined();
    expect(marked("pulled")).toBe(false);

    // Under another name it is another resource with the same id; the old one goes and takes nothing.
    const renamed = await plugin.create(T.instanceState, "renamed", { ...wish, state: "stopped" });
    await plugin.delete(state);
    expect(await plugin.read(renamed)).toEqual(renamed);
    await plugin.delete(renamed);
    expect(await plugin.read(renamed)).toBeUndefined();
    expect(hostInit(b.id)).toBeUndefined();
    expect(await plugin.diff(b)).toMatchObject({ changes: false });

    const guarded = await plugin.update(b, { disableApiStop: true });
    const refused = plugin.create(T.instanceState, "b", { ...wish, state: "stopped" });
    await expect(refused).rejects.toThrow("OperationNotPermitted");
    b = await plugin.update(guarded, { disableApiStop: undefined });
  });

  test("stay stopped over a reboot of the machine, or are started by an update, as was wished", async () => {
    const state = await plugin.create(T.instanceState, "b", { instanceId: b.id, state: "stopped" });
    const running = await plugin.create(T.instanceState, "a", {
      instanceId: a.id,
      state: "running",
    });
    const lastAddress = (await lookUp(a))["publicIp"];
    await plugin.kill();
    const ids = cloud.records.map((record) => record.id);
    await reboot({ stateDir: cloud.stateDir, ids }, {});
    plugin = await cloud.plugin();
    expect((await plugin.read(running))?.outs["state"]).toBe("stopped");
    for (const lost of [net.vpc, a, running]) {
      expect(await plugin.diff(lost)).toMatchObject({ changes: true, replaces: [] });
    }
    await plugin.update(net.vpc, {});
    // A refresh finds it without its public address; it is no other instance for that.
    const found = (await plugin.read(a))!;
    expect(found.outs["publicIp"]).toBe("");
    expect(await plugin.diff(found)).toMatchObject({ changes: true, replaces: [] });
    await plugin.update(found, {});
    await booted(a.id, address(a));
    expect(await plugin.diff(running)).toMatchObject({ changes: false });
    const { publicIp } = await lookUp(a);
    expect(publicIp).not.toBe(lastAddress);
    expect(await machineConnects(publicIp as string, 22)).toBe(true);
    for (const made of [b, state]) {
      expect(await plugin.diff(made)).toMatchObject({ changes: false });
    }
    expect(hostInit(b.id)).toBeUndefined();
    // Nothing but its state brings it back.
    await plugin.update(state, { state: "running" });
    await booted(b.id, address(b));
    await hostShell(b.id, "systemd-run --quiet --unit=listener nc -lk 9092");
    a = (await plugin.read(a))!;
  });

  test("get links, rules and names back that somebody removed", async () => {
    const router = `kafkalab-${net.vpc.id}`;
    await must(["ip", "netns", "exec", router, "nft", "delete", "table", "inet", "kafkalab"]);
    await must(["ip", "-n", `kafkalab-${a.id}`, "link", "delete", "ens5"]);
    await must(["ip", "-n", router, "link", "delete", "uplink"]);
    expect(await plugin.diff(net.vpc)).toMatchObject({ changes: true, replaces: [] });
    expect(await plugin.diff(a)).toMatchObject({ changes: true, replaces: [] });
    await plugin.update(net.vpc, {});
    await plugin.update(a, {});
    await booted(a.id, address(a));
    expect(await connects(a, address(b), 9092)).toBe(false);
    expect((await run(["bash", "-c", `</dev/tcp/${textOf(a, "publicIp")}/22`])).status).toBe(0);
    expect(await plugin.diff(net.vpc)).toMatchObject({ changes: false });
    expect(await plugin.diff(a)).toMatchObject({ changes: false });
  });

  test("whose disk is removed are gone for a refresh, and can be made again", async () => {
    rmSync(join(cloud.stateDir, "cloud/instances", a.id, "upper"), { recursive: true });
    expect(await plugin.diff(a)).toMatchObject({ replaces: ["id"] });
    expect(cloud.records.filter((record) => record.id === a.id)).toHaveLength(2);
    expect(await plugin.read(a)).toBeUndefined();
    expect(cloud.records.filter((record) => record.id === a.id)).toEqual([]);
    const again = await plugin.create(T.instance, "a", a.inputs);
    expect(again.outs["privateIp"]).toBe(a.outs["privateIp"]);
    expect(hostInit(a.id)).toBeUndefined();
    await booted(again.id, address(again));
  });
});

describe("a run that is killed", () => {
  const cloud = new Cloud();
  afterAll(() => finish(cloud));

  /** A record as a run leaves it that is killed before any work for it. */
  function leaveRecord(record: Pick<CloudRecord, "id" | "type" | "urn" | "inputs" | "chosen">) {
    const file = join(cloud.stateDir, "cloud/state.json");
    const state = JSON.parse(readFileSync(file, "utf8")) as State;
    const sequence = state.nextSequence++;
    const run = "1:0"; // a process that there never was
    state.records[record.id] = { ...record, run, acknowledged: false, sequence };
    writeFileSync(file, JSON.stringify(state));
  }
  const ofType = (type: string) => cloud.records.filter((record) => record.type === type);
  const volume = { availabilityZone: ZONE, size: 1 };

  test("before the work for a record leaves nothing that the next one does not clear", async () => {
    const plugin = await cloud.plugin();
    const kept = await plugin.create(T.volume, "kept", volume);
    const urn = plugin.urn(T.volume, "killed");
    leaveRecord({ id: "vol-00000000000000001", type: T.volume, urn, inputs: volume, chosen: {} });
    const made = await plugin.create(T.volume, "killed", volume);
    expect(ofType(T.volume).map((record) => record.id)).toEqual([kept.id, made.id]);
    expect(readdirSync(join(cloud.stateDir, "cloud/volumes")).sort()).toEqual(
      [`${kept.id}.img`, `${made.id}.img`].sort(),
    );
    await plugin.stop();
  });

  test("after an orderly one takes nothing of it", async () => {
    const first = await cloud.plugin();
    for (const record of cloud.records) await first.delete(record);
    const [one, two] = [
      await first.create(T.volume, "one", volume),
      await first.create(T.volume, "two", volume),
    ];
    await first.stop();
    const second = await cloud.plugin();
    await second.delete(one);
    expect(ofType(T.volume).map((record) => record.id)).toEqual([two.id]);
    await second.delete(two);
    await second.stop();
  });

  test("leaves what the deletion of the rest clears", async () => {
    const first = await cloud.plugin();
    const known = await first.create(T.vpc, "known", { cidrBlock: "10.79.0.0/16" });
    const child = { vpcId: known.id, cidrBlock: "10.79.0.0/24" };
    await first.create(T.subnet, "unknown", child);
    await first.create(T.volume, "unknown", volume);
    await first.kill();
    const second = await cloud.plugin();
    await second.delete(known);
    expect(cloud.records).toEqual([]);
    expect(existsSync(join(cloud.stateDir, "cloud"))).toBe(false);
    await second.stop();
  });

  test.each(["", "root", "devices", "console.log"])(
    "while it makes a network and a host leaves neither twice (at '%s')",
    async (stage) => {
      const killed = await cloud.plugin();
      const net = await network(killed, "net");
      const inputs = {
        ami: await ami(killed),
        instanceType: "t3.small",
        subnetId: net.subnet.id,
        vpcSecurityGroupIds: [net.group.id],
        privateIp: "10.77.0.9",
      };
      const creation = killed.create(T.instance, "host", inputs).catch(() => undefined);
      const dying = killed
        .create(T.vpc, "second", { cidrBlock: "10.78.0.0/16" })
        .catch(() => undefined);
      await cloud.until("the instance's record", () => ofType(T.instance).length === 1);
      const [half] = ofType(T.instance);
      const file = join(cloud.stateDir, "cloud/instances", half!.id, stage);
      await waitFor(file, "there", 10, () => (!stage || existsSync(file) ? {} : "nothing"));
      await killed.kill();
      await Promise.all([creation, dying]);

      const next = await cloud.plugin();
      const made = await next.create(T.instance, "host", inputs);
      const second = await next.create(T.vpc, "second", { cidrBlock: "10.78.0.0/16" });
      expect(ofType(T.instance).map((record) => record.id)).toEqual([made.id]);
      expect(ofType(T.vpc).map((record) => record.id)).toEqual([net.vpc.id, second.id]);
      expect(readdirSync(join(cloud.stateDir, "cloud/instances"))).toEqual([made.id]);
      expect(existsSync(`/run/netns/kafkalab-${half!.id}`)).toBe(half!.id === made.id);
      expect(hostInit(half!.id) === undefined).toBe(half!.id !== made.id);
      await next.kill();
      await cloud.destroy();
      expect(cloud.records).toEqual([]);
    },
  );

  test("while it deletes a host leaves one that the next deletes, or makes again", async () => {
    const killed = await cloud.plugin();
    const net = await network(killed, "net");
    const inputs = { ami: await ami(killed), instanceType: "t3.small", subnetId: net.subnet.id };
    const made = await killed.create(T.instance, "host", inputs);
    const deletion = killed.delete(made).catch(() => undefined);
    await cloud.until("the mark", () => ofType(T.instance)[0]?.leaving === true);
    await killed.kill();
    await deletion;

    const next = await cloud.plugin();
    expect(await next.diff(made)).toMatchObject({ replaces: ["id"], deleteBeforeReplace: true });
    await next.delete(made);
    expect(hostInit(made.id)).toBeUndefined();
    expect(existsSync(join(cloud.stateDir, "cloud/instances", made.id))).toBe(false);
    await next.stop();
    await cloud.destroy();
  });

  test("while it stops or starts a host leaves the rest of that to the next", async () => {
    const first = await cloud.plugin();
    const net = await network(first, "net");
    const inputs = { ami: await ami(first), instanceType: "t3.small", subnetId: net.subnet.id };
    const host = await first.create(T.instance, "host", inputs);
    await booted(host.id, textOf(host, "privateIp"));
    const wish = { instanceId: host.id, state: "stopped" };
    const stopped = () => ofType(T.instance)[0]?.chosen["stopped"];
    const stop = first.create(T.instanceState, "host", wish).catch(() => undefined);
    await cloud.until("the wish to stop", () => stopped() === true);
    await first.kill();
    await stop;

    const second = await cloud.plugin();
    const state = await second.create(T.instanceState, "host", wish);
    expect(hostInit(host.id)).toBeUndefined();
    expect(ofType(T.instanceState).map((record) => record.id)).toEqual([host.id]);
    expect(await second.diff(host)).toMatchObject({ changes: false });
    const start = second.update(state, { state: "running" }).catch(() => undefined);
    await cloud.until("the wish to start", () => stopped() === false);
    await second.kill();
    await start;

    // Pulumi still has it as stopped.
    const third = await cloud.plugin();
    const running = await third.update(state, { state: "running" });
    await booted(host.id, textOf(host, "privateIp"));
    for (const made of [host, running]) {
      expect(await third.diff(made)).toMatchObject({ changes: false });
    }
    await third.stop();
    await cloud.destroy();
  });

  test("between the removal of a record and the work for it leaves no open port", async () => {
    const first = await cloud.plugin();
    const net = await network(first, "net");
    const rule = await first.create(T.ingress, "open", {
      securityGroupId: net.group.id,
      ipProtocol: "tcp",
      fromPort: 9092,
      toPort: 9092,
      cidrIpv4: "0.0.0.0/0",
    });
    await first.stop();
    const file = join(cloud.stateDir, "cloud/state.json");
    const state = JSON.parse(readFileSync(file, "utf8")) as State;
    delete state.records[rule.id];
    writeFileSync(file, JSON.stringify(state));

    const next = await cloud.plugin();
    await next.delete(rule);
    expect(await next.diff(net.vpc)).toMatchObject({ changes: true, replaces: [] });
    await next.update(net.vpc, {});
    const rules = ["ip", "netns", "exec", `kafkalab-${net.vpc.id}`, "nft", "list", "ruleset"];
    expect(await must(rules)).not.toContain("9092");
    expect(await next.diff(net.vpc)).toMatchObject({ changes: false });
    await next.stop();
    await cloud.destroy();
  });
});

test("several plugin processes at once lose no record", async () => {
  const cloud = new Cloud();
  try {
    const plugins = await Promise.all([1, 2, 3, 4].map((n) => cloud.plugin(`stack${n}`)));
    const vpcs = await Promise.all(
      plugins.map((plugin, n) => plugin.create(T.vpc, "vpc", { cidrBlock: `10.${80 + n}.0.0/16` })),
    );
    const slots = cloud.records.map((record) => record.chosen["slot"]);
    expect(new Set(slots).size).toBe(4);
    const groups = plugins.flatMap((plugin, n) =>
      Array.from({ length: 10 }, (_, i) =>
        plugin.create(T.group, `group-${i}`, { vpcId: vpcs[n]!.id }),
      ),
    );
    const ids = (await Promise.all(groups)).map((group) => group.id);
    const found = cloud.records.filter((record) => record.type === T.group);
    expect(found.map((record) => record.id).sort()).toEqual(ids.sort());
    expect(new Set(cloud.records.map((record) => record.sequence)).size).toBe(44);
    for (const vpc of vpcs) {
      const rules = ["ip", "netns", "exec", `kafkalab-${vpc.id}`, "nft", "list", "ruleset"];
      expect([...(await must(rules)).matchAll(/chain sg-\w+-ingress/g)]).toHaveLength(11);
    }
  } finally {
    await finish(cloud);
  }
});

test("two VPCs with the same addresses know nothing of each other", async () => {
  const cloud = new Cloud();
  try {
    const plugin = await cloud.plugin();
    const nets = [await network(plugin, "one"), await network(plugin, "two")];
    const image = await ami(plugin);
    const hosts = await Promise.all(
      nets.map((net, n) =>
        plugin.create(T.instance, `host-${n}`, {
          ami: image,
          instanceType: "t3.small",
          subnetId: net.subnet.id,
          privateIp: `10.77.0.1${n}`,
        }),
      ),
    );
    await Promise.all(hosts.map((host) => booted(host.id, textOf(host, "privateIp"))));
    expect((await tryHostShell(hosts[0]!.id, "ping -c 1 -W 1 10.77.0.11")).status).not.toBe(0);
    expect((await tryHostShell(hosts[1]!.id, "ping -c 1 -W 1 10.77.0.11")).status).toBe(0);
  } finally {
    await finish(cloud);
  }
});

test("after the last deletion nothing is left", async () => {
  const lines = [...(await snapshot())];
  const left = owners.flatMap((owner) => lines.filter((line) => mentions(line, owner)));
  expect(left).toEqual([]);
  expect(owners.map((owner) => existsSync(owner.stateDir))).not.toContain(true);
});
