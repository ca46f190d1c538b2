import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LocalCloudStatus } from "../../../cli/status/local-cloud";
import { Accounts } from "../../support/accounts";
import {
  Cloud,
  secret,
  UNKNOWN,
  type Plugin,
  type Props,
  type Resource,
} from "../../support/local-cloud";
import { LIVES, PUBLIC_KEY } from "../../support/local-cloud-lives";
import { ami, network, routeToNat, T, textOf, ZONE, type Network } from "../../support/network";
import { must, run, waitFor } from "../../support/run";

/*
 * The resource types that need no host, against the real kernel, through the plugin's own process and
 * protocol, as the engine drives it.
 */

const accounts = new Accounts();

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
  /** A NAT gateway with its address, and an address without one. */
  let nat: Resource;
  let eip: Resource;
  let spareEip: Resource;
  /** A subnet without a gateway, and a route table that it does not use. */
  let lonely: Resource;
  let lonelyTable: Resource;
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
    lonelyTable = await plugin.create(T.routeTable, "lonely", { vpcId: vpc.id });
  });
  afterAll(() => accounts.finish(cloud));

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
      ["an association by a public address", T.eipAssociation, () => ({ allocationId: "eipalloc-1", instanceId: "i-1", publicIp: "198.18.0.1" }), /^publicIp is not a property .* it knows allocationId, allowReassociation, instanceId, region/],
      ["an association with nothing", T.eipAssociation, () => ({ allocationId: "eipalloc-1" }), /^instanceId is required/],
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
      ["InvalidAllocationID.NotFound", T.eipAssociation, () => ({ allocationId: "eipalloc-0", instanceId: "i-0" })],
      ["AuthFailure", T.eipAssociation, () => ({ allocationId: eip.id, instanceId: "i-0" })],
      ["operation error EC2: AssociateAddress, api error InvalidInstanceID.NotFound", T.eipAssociation, () => ({ allocationId: spareEip.id, instanceId: "i-0" })],
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
    const quotas = "aws:servicequotas/getServiceQuota:getServiceQuota";
    const quota = { serviceCode: "ec2", quotaCode: "L-0263D0A3" };
    expect(await plugin.invoke(quotas, quota)).toMatchObject({ ...quota, value: 5 });
    await expect(plugin.invoke(quotas, { ...quota, quotaCode: "L-0" })).rejects.toThrow(
      "api error NoSuchResourceException",
    );
  });

  test("there are as many elastic addresses as AWS gives, all of one block, which is guarded", async () => {
    const guards = async () =>
      (await must(["ip", "-4", "route", "show", "type", "unreachable"])).split("\n");
    const blockOf = (resource: Resource) => textOf(resource, "publicIp").replace(/\d+$/, "0/24");
    const added: Resource[] = [];
    for (const name of ["third", "fourth", "fifth"]) {
      added.push(await plugin.create(T.eip, name, { tags: { Name: name } }));
    }
    const sixth = () => plugin.create(T.eip, "sixth", {});
    await expect(sixth()).rejects.toThrow(
      "creating EC2 EIP: operation error EC2: AllocateAddress, api error AddressLimitExceeded: The maximum number of addresses has been reached.",
    );
    const ids = [eip, spareEip, ...added].map(({ id }) => id);
    const eips = "aws:ec2/getEips:getEips";
    expect(await plugin.invoke(eips, {})).toMatchObject({ allocationIds: ids });
    expect(await plugin.invoke(eips, { tags: { Name: "fifth" } })).toMatchObject({
      allocationIds: ids.slice(4),
      publicIps: [textOf(added[2], "publicIp")],
    });
    expect(new Set([eip, ...added].map(blockOf)).size).toBe(1);
    expect((await guards()).filter((line) => line.includes(blockOf(eip)))).toHaveLength(1);
    // Nothing has the address, and no packet for it leaves by another way.
    const get = await run(["ip", "route", "get", textOf(added[0], "publicIp")]);
    expect(get).toMatchObject({ status: 2 });

    await plugin.delete(added[0]!);
    const again = await sixth();
    for (const made of [again, ...added.slice(1)]) await plugin.delete(made);
    expect((await guards()).filter((line) => line.includes(blockOf(eip)))).toHaveLength(1);
  });

  describe("the life of each type", () => {
    test.each(LIVES)("$type", async ({ type, inputs, id, update, replace, outs }) => {
      const present = { net, other, options, zone, eip, spareEip, lonely, lonelyTable };
      const made = await plugin.create(type, "life", inputs(present));
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
        const changes = replace(present);
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

test("after the last deletion nothing is left", () => accounts.expectNothingLeft());
