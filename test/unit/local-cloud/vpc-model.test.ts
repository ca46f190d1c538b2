import { describe, expect, test } from "vitest";
import * as kinds from "../../../local-cloud/aws/kinds";
import { vpcModel } from "../../../local-cloud/aws/vpc-model";
import type { StoredResource } from "../../../local-cloud/machine/store";
import { type Parts, stateOf } from "./state";

/*
 * What a VPC is, out of the records: who gets out, and how.
 */

const subnet = (name: string, route: StoredResource["inputs"] | undefined): Parts[] => [
  {
    id: `subnet-${name}`,
    type: kinds.subnet.token,
    inputs: { vpcId: "vpc-1", cidrBlock: "10.0.0.0/24" },
  },
  { id: `rtb-${name}`, type: kinds.routeTable.token, inputs: { vpcId: "vpc-1" } },
  {
    id: `rtbassoc-${name}`,
    type: kinds.routeTableAssociation.token,
    inputs: { subnetId: `subnet-${name}`, routeTableId: `rtb-${name}` },
  },
  ...(route
    ? [
        {
          id: `r-${name}`,
          type: kinds.route.token,
          inputs: { routeTableId: `rtb-${name}`, ...route },
        },
      ]
    : []),
  {
    id: `i-${name}`,
    type: kinds.instance.token,
    inputs: { subnetId: `subnet-${name}` },
    chosen: { privateIp: "10.0.0.4", publicIp: "198.18.0.10", mac: "0a" },
  },
];

const world = { destinationCidrBlock: "0.0.0.0/0" };
const vpc = { id: "vpc-1", type: kinds.vpc.token, inputs: { cidrBlock: "10.0.0.0/16" } };
const gateway = { id: "igw-1", type: kinds.internetGateway.token, inputs: { vpcId: "vpc-1" } };
const nat = (subnetId: string): Parts => ({
  id: "nat-1",
  type: kinds.natGateway.token,
  inputs: { subnetId, allocationId: "eipalloc-1" },
});
const outside = subnet("out", { ...world, gatewayId: "igw-1" });
const inside = subnet("in", { ...world, natGatewayId: "nat-1" });

/** How the host of the subnet gets out. */
function wayOut(parts: Parts[], name: string): string {
  const host = vpcModel(stateOf([vpc, gateway, ...parts]), "vpc-1")!.hosts.find(
    (h) => h.id === `i-${name}`,
  )!;
  return host.publicIp ?? (host.behindNat ? "NAT" : "none");
}

describe("a host gets out", () => {
  test.each<[string, Parts[], string, string]>([
    ["by its public address, with a route to the internet gateway", outside, "out", "198.18.0.10"],
    ["not at all, without a route", subnet("lone", undefined), "lone", "none"],
    ["not at all, if the route is not for everywhere", subnet("far", { destinationCidrBlock: "192.0.2.0/24", gatewayId: "igw-1" }), "far", "none"],
    ["through a NAT gateway in a public subnet", [...outside, ...inside, nat("subnet-out")], "in", "NAT"],
    ["not at all, if the NAT gateway is in a subnet without a way out", [...subnet("lone", undefined), ...inside, nat("subnet-lone")], "in", "none"],
    ["not at all, if the NAT gateway is behind itself", [...inside, nat("subnet-in")], "in", "none"],
    ["not at all, if the NAT gateway is gone", [...outside, ...inside], "in", "none"],
  ])("%s", (_, parts, name, way) => {
    expect(wayOut(parts, name)).toBe(way);
  }); // prettier-ignore
});

test("a stopped instance has no public address, and a private one", () => {
  const stopped = outside.map((part) =>
    part.type === kinds.instance.token
      ? { ...part, chosen: { ...part.chosen, stopped: true } }
      : part,
  );
  const [host] = vpcModel(stateOf([vpc, gateway, ...stopped]), "vpc-1")!.hosts;
  expect(host).toMatchObject({ privateIp: "10.0.0.4" });
  expect(host).not.toHaveProperty("publicIp");
});

describe("an elastic address", () => {
  const address = "198.18.7.20";
  const elastic: Parts[] = [
    { id: "eipalloc-1", type: kinds.eip.token, inputs: {}, chosen: { publicIp: address } },
    {
      id: "eipassoc-1",
      type: kinds.eipAssociation.token,
      inputs: { allocationId: "eipalloc-1", instanceId: "i-out" },
    },
  ];
  const modelOf = (parts: Parts[]) =>
    vpcModel(stateOf([vpc, gateway, ...parts, ...elastic]), "vpc-1")!;

  test("takes the place of the automatic one", () => {
    expect(modelOf(outside)).toMatchObject({
      elastic: [{ id: "eipassoc-1", address }],
      hosts: [{ id: "i-out", publicIp: address }],
    });
  });

  test("stays with a stopped host, which nothing reaches", () => {
    const stopped = outside.map((part) => ({ ...part, chosen: { ...part.chosen, stopped: true } }));
    const { elastic: kept, hosts } = modelOf(stopped);
    expect(kept).toEqual([{ id: "eipassoc-1", address }]);
    expect(hosts[0]).not.toHaveProperty("publicIp");
  });

  test("leads nowhere without a route to the internet gateway", () => {
    const { elastic: kept, hosts } = modelOf(subnet("out", undefined));
    expect(kept).toHaveLength(1);
    expect(hosts[0]).not.toHaveProperty("publicIp");
  });

  test("of a host in another VPC is not this one's", () => {
    expect(modelOf(subnet("lone", undefined)).elastic).toEqual([]);
  });
});
