import { beforeEach, describe, expect, test, vi } from "vitest";
import { functions } from "../../../local-cloud/aws/functions";
import {
  addressQuota,
  elasticBlock,
  freeElasticAddress,
  freeSlotFrom,
  takenSlots,
} from "../../../local-cloud/aws/elastic-addresses";
import * as kinds from "../../../local-cloud/aws/kinds";
import type { ResourceType } from "../../../local-cloud/aws/resource";
import { resourceTypes } from "../../../local-cloud/aws/resources";
import { overlaps } from "../../../local-cloud/machine/addresses";
import { publicCidr, slotOf, SLOTS } from "../../../local-cloud/machine/blocks";
import { readState, type State } from "../../../local-cloud/machine/store";
import { type Parts, stateOf } from "./state";

/*
 * Elastic addresses in the records: which there are, what they are associated with, and what EC2 refuses.
 */

vi.mock("../../../local-cloud/machine/store", () => ({ readState: vi.fn() }));

const eip = (n: number, publicIp = `198.18.7.${n}`, rest: Partial<Parts> = {}): Parts => ({
  id: `eipalloc-${n}`,
  type: kinds.eip.token,
  inputs: { tags: { Name: `broker-${n}`, Cluster: "peter" } },
  chosen: { publicIp, associationId: `eipassoc-nat-${n}` },
  ...rest,
});
const vpc = (id: string, slot: number): Parts => ({
  ...{ id, type: kinds.vpc.token, inputs: { cidrBlock: "10.0.0.0/16" }, chosen: { slot } },
});
const association = (id: string, n: number, instanceId: string): Parts => ({
  ...{ id, type: kinds.eipAssociation.token, chosen: { formerInstanceIds: [] } },
  inputs: { allocationId: `eipalloc-${n}`, instanceId },
});
const instance = (n: number, subnetId = "subnet-1"): Parts => ({
  ...{ id: `i-${n}`, type: kinds.instance.token, inputs: { subnetId } },
  chosen: {
    ...{ privateIp: `10.0.0.${n}`, publicIp: `198.18.3.${9 + n}`, networkInterfaceId: `eni-${n}` },
  },
});
const network: Parts[] = [
  vpc("vpc-1", 3),
  {
    ...{ id: "subnet-1", type: kinds.subnet.token },
    inputs: { vpcId: "vpc-1", cidrBlock: "10.0.0.0/24" },
  },
  { id: "igw-1", type: kinds.internetGateway.token, inputs: { vpcId: "vpc-1" } },
];
const nat: Parts = {
  ...{ id: "nat-1", type: kinds.natGateway.token },
  inputs: { subnetId: "subnet-1", allocationId: "eipalloc-4" },
  chosen: { privateIp: "10.0.0.9", networkInterfaceId: "eni-nat" },
};
/** Two hosts, of which the first has an address, a NAT gateway with one, and a spare one. */
const lab = (): State =>
  stateOf([
    ...[...network, instance(1), instance(2), nat],
    ...[eip(1), eip(2), eip(4), association("eipassoc-1", 1, "i-1")],
  ]);

const eips = resourceTypes[kinds.eip.token]!;
const associations = resourceTypes[kinds.eipAssociation.token]!;
const refuse = (type: ResourceType, state: State, inputs: object) => () =>
  type.refuse?.({ ...inputs }, state, undefined);

describe("the quota", () => {
  test.each([
    [undefined, 5],
    ["", 5],
    ["1", 1],
    ["12", 12],
    ["254", 254],
  ])("KAFKALAB_ADDRESS_QUOTA=%s: %s", (KAFKALAB_ADDRESS_QUOTA, quota) => {
    expect(addressQuota({ KAFKALAB_ADDRESS_QUOTA })).toBe(quota);
  });

  test.each(["0", "255", "-1", "5.5", "1e2", "five", " 6"])("KAFKALAB_ADDRESS_QUOTA=%s", (text) => {
    expect(() => addressQuota({ KAFKALAB_ADDRESS_QUOTA: text })).toThrow(
      `KAFKALAB_ADDRESS_QUOTA must be an integer from 1 to 254; got "${text}". It is the number`,
    );
  });

  test("counts all addresses but those that go", () => {
    const full = [1, 2, 3, 4].map((n) => eip(n));
    const going = eip(5, "198.18.7.5", { leaving: true });
    expect(refuse(eips, stateOf([...full, going]), {})).not.toThrow();
    expect(refuse(eips, stateOf([...full, eip(5)]), {})).toThrow(
      /^The maximum number of addresses has been reached\.$/,
    );
    vi.stubEnv("KAFKALAB_ADDRESS_QUOTA", "6");
    expect(refuse(eips, stateOf([...full, eip(5)]), {})).not.toThrow();
    vi.unstubAllEnvs();
  });
});

describe("the block", () => {
  test.each([
    ["198.18.0.0", 0],
    ["198.18.7.255", 7],
    ["198.19.0.1", 256],
    ["198.19.253.1", 509],
    ["198.19.254.1", undefined],
    ["198.19.255.100", undefined],
    ["198.17.255.255", undefined],
    ["198.20.0.0", undefined],
    ["10.0.0.1", undefined],
  ])("of %s is slot %s", (address, slot) => {
    expect(slotOf(address)).toBe(slot);
    expect(slot === undefined || overlaps(publicCidr(slot), `${address}/32`)).toBe(true);
  });

  test("is that of the first address", () => {
    const state = stateOf([vpc("vpc-1", 3), eip(1)]);
    expect(elasticBlock(state)).toBe("198.18.7.0/24");
    const next = freeElasticAddress(state, 100);
    expect(next).toMatch(/^198\.18\.7\.\d+$/);
    expect(next).not.toBe("198.18.7.1");
  });

  test("is new for the first address, and none that a VPC has", () => {
    expect(elasticBlock(stateOf([vpc("vpc-1", 3)]))).toBeUndefined();
    expect(freeElasticAddress(stateOf([vpc("vpc-1", 3)]), 3)).toMatch(/^198\.18\.4\.\d+$/);
    expect(freeElasticAddress(stateOf([]), 300)).toMatch(/^198\.19\.44\.\d+$/);
  });

  test("is no VPC's", () => {
    const state = stateOf([vpc("vpc-1", 3), eip(1)]);
    expect([...takenSlots(state)]).toEqual([3, 7]);
    expect(freeSlotFrom(7, state)).toBe(8);
    expect(freeSlotFrom(SLOTS - 1, stateOf([vpc("vpc-1", SLOTS - 1)]))).toBe(0);
  });

  test("goes with its last address", () => {
    const going = eip(1, "198.18.7.1", { leaving: true });
    expect(elasticBlock(stateOf([going]))).toBeUndefined();
    expect(elasticBlock(stateOf([going, eip(2)]))).toBe("198.18.7.0/24");
  });

  test("of a lab of an earlier release is not used again", () => {
    const state = stateOf([eip(1, "198.19.254.1")]);
    expect(elasticBlock(state)).toBeUndefined();
    expect(freeElasticAddress(state, 9)).toMatch(/^198\.18\.9\.\d+$/);
  });

  test("gives each of its addresses once", () => {
    const parts = [eip(0, "198.18.7.0")];
    for (let n = 1; n <= 254; n++) {
      parts.push(eip(n, freeElasticAddress(stateOf(parts), 0)));
    }
    const addresses = new Set(parts.map(({ chosen }) => chosen?.["publicIp"]));
    expect(addresses.size).toBe(255);
    expect(addresses).not.toContain("198.18.7.255");
    expect(() => freeElasticAddress(stateOf(parts), 0)).toThrow("all addresses of 198.18.7.0/24");
  });
});

describe("an association", () => {
  const wish = { allocationId: "eipalloc-2", instanceId: "i-2" };

  test("is made of a free address and an instance", () => {
    expect(refuse(associations, lab(), wish)).not.toThrow();
  });

  test("moves an address, unless it may not", () => {
    const moving = { ...wish, allocationId: "eipalloc-1" };
    const state = lab();
    expect(refuse(associations, state, moving)).not.toThrow();
    expect(refuse(associations, state, { ...moving, allowReassociation: true })).not.toThrow();
    const fixed = { ...moving, allowReassociation: false };
    expect(refuse(associations, state, fixed)).toThrow(
      "resource eipalloc-1 is already associated with associate-id eipassoc-1",
    );
    expect(refuse(associations, state, { ...fixed, instanceId: "i-1" })).not.toThrow();
    expect(associations.choose?.(moving, state, undefined)).toEqual({ formerInstanceIds: ["i-1"] });
  });

  test.each<[string, object, Parts[], string, string]>([
    ["no address", { ...wish, allocationId: "eipalloc-9" }, [], "InvalidAllocationID.NotFound", "The allocation ID 'eipalloc-9' does not exist"],
    ["an address that goes", wish, [eip(2, "198.18.7.2", { leaving: true })], "InvalidAllocationID.NotFound", "The allocation ID 'eipalloc-2' does not exist"],
    ["no instance", { ...wish, instanceId: "i-9" }, [], "InvalidInstanceID.NotFound", "The instance ID 'i-9' does not exist"],
    ["an instance that goes", wish, [{ ...instance(2), leaving: true }], "InvalidInstanceID.NotFound", "The instance ID 'i-2' does not exist"],
    ["a NAT gateway's address", { ...wish, allocationId: "eipalloc-4" }, [], "AuthFailure", "You do not have permission"],
    ["a VPC without a gateway", wish, [{ id: "igw-1", type: kinds.internetGateway.token, inputs: {} }], "Gateway.NotAttached", "Network vpc-1 is not attached to any internet gateway"],
  ])("is refused for %s", (_, inputs, changes, code, message) => {
    const state = lab();
    Object.assign(state.records, stateOf(changes).records);
    const refused = refuse(associations, state, inputs);
    expect(refused).toThrow(expect.objectContaining({ code }) as Error);
    expect(refused).toThrow(message);
  }); // prettier-ignore

  test("ends those of the address and of the instance, and takes the automatic address", () => {
    const state = lab();
    const others = stateOf([association("eipassoc-2", 2, "i-2")]).records;
    Object.assign(state.records, others);
    const record = stateOf([association("eipassoc-3", 1, "i-2")]).records["eipassoc-3"]!;
    associations.displace?.(record, state);
    expect(Object.keys(state.records).filter((id) => id.startsWith("eipassoc-"))).toEqual([]);
    expect(state.records["i-1"]?.chosen["publicIp"]).toBe("198.18.3.10");
    expect(state.records["i-2"]?.chosen["publicIp"]).toBe("198.18.3.12");
  });

  test("gives no automatic address to an instance that had none", () => {
    const state = lab();
    delete state.records["i-2"]?.chosen["publicIp"];
    const record = stateOf([association("eipassoc-3", 2, "i-2")]).records["eipassoc-3"]!;
    associations.displace?.(record, state);
    expect(state.records["i-2"]?.chosen).not.toHaveProperty("publicIp");
    expect(state.records).toHaveProperty("eipassoc-1");
  });

  test("has AWS's attributes", () => {
    const state = lab();
    expect(associations.attributes(state.records["eipassoc-1"]!, state)).toEqual({
      networkInterfaceId: "eni-1",
      privateIpAddress: "10.0.0.1",
      publicIp: "198.18.7.1",
    });
  });

  test("goes with its instance, and keeps the internet gateway", () => {
    const state = lab();
    const users = (id: string) =>
      resourceTypes[state.records[id]!.type]
        ?.usedBy?.(state.records[id]!, state)
        .map((user) => user.id);
    const along = resourceTypes[kinds.instance.token]?.takesAlong?.(state.records["i-1"]!, state);
    expect(along?.map(({ id }) => id)).toEqual(["eipassoc-1"]);
    expect(users("igw-1")).toEqual(["eipassoc-1", "i-2", "nat-1"]);
    expect(users("eipalloc-1")).toEqual(["eipassoc-1"]);
    expect(users("eipalloc-2")).toEqual([]);
    expect(users("eipalloc-4")).toEqual(["nat-1"]);
    state.records["i-1"]!.chosen["stopped"] = state.records["i-2"]!.chosen["stopped"] = true;
    expect(users("igw-1")).toEqual(["eipassoc-1", "nat-1"]);
    const gateways = resourceTypes[kinds.internetGateway.token];
    const detach = () => gateways?.refuse?.({}, state, undefined, state.records["igw-1"]);
    expect(detach).toThrow("Network vpc-1 has some mapped public address(es)");
    for (const id of ["eipassoc-1", "nat-1"]) delete state.records[id];
    expect(detach).not.toThrow();
  });

  test("ends with its address only if Pulumi knows it, as in AWS's provider", () => {
    const state = lab();
    const first = (associationId: string) =>
      eips.deletesFirst?.(state.records["eipalloc-1"]!, state, { associationId });
    expect(first("")).toEqual([]);
    expect(first("eipassoc-0")).toEqual([]);
    expect(first("eipassoc-1")?.map(({ id }) => id)).toEqual(["eipassoc-1"]);
  });

  test("leaves nothing for a NAT gateway", () => {
    const gateways = resourceTypes[kinds.natGateway.token]!;
    const inputs = (n: number) => ({ subnetId: "subnet-1", allocationId: `eipalloc-${n}` });
    expect(refuse(gateways, lab(), inputs(1))).toThrow("[eipalloc-1] is already associated");
    expect(refuse(gateways, lab(), inputs(2))).not.toThrow();
  });
});

test.each([
  [
    "eipalloc-1",
    { associationId: "eipassoc-1", instance: "i-1", networkInterface: "eni-1", privateIp: "10.0.0.1", privateDns: "ip-10-0-0-1.ap-northeast-2.compute.internal" },
  ],
  ["eipalloc-2", { associationId: "", instance: "", networkInterface: "", privateIp: "", privateDns: "" }],
  ["eipalloc-4", { associationId: "eipassoc-nat-4", instance: "", networkInterface: "eni-nat", privateIp: "10.0.0.9" }],
])("%s says what it is associated with", (id, attributes) => {
  const state = lab();
  const { publicIp } = state.records[id]!.chosen as { publicIp: string };
  expect(eips.attributes(state.records[id]!, state)).toMatchObject({
    ...attributes,
    allocationId: id,
    publicIp,
    publicDns: `ec2-${publicIp.replaceAll(".", "-")}.ap-northeast-2.compute.amazonaws.com`,
  });
}); // prettier-ignore

describe("an instance with an elastic address", () => {
  const instances = resourceTypes[kinds.instance.token]!;

  test("shows it while it is stopped, and no automatic one", () => {
    const state = lab();
    const shown = (id: string) => instances.attributes(state.records[id]!, state);
    expect(shown("i-1")).toMatchObject({
      instanceState: "stopped",
      associatePublicIpAddress: true,
      publicIp: "198.18.7.1",
      publicDns: "ec2-198-18-7-1.ap-northeast-2.compute.amazonaws.com",
    });
    expect(shown("i-2")).toMatchObject({ publicIp: "", publicDns: "" });
    delete state.records["i-1"]?.chosen["publicIp"];
    expect(shown("i-1")).toMatchObject({ associatePublicIpAddress: true });
  });
});

describe("the look-ups", () => {
  beforeEach(() => vi.mocked(readState).mockImplementation(lab));

  const getEips = async (args = {}) => functions["aws:ec2/getEips:getEips"]!(args);
  const filter = (name: string, ...values: string[]) => ({ filters: [{ name, values }] });

  test.each<[string, object, number[]]>([
    ["without arguments", {}, [1, 2, 4]],
    ["by tag", { tags: { Name: "broker-2" } }, [2]],
    ["by tags", { tags: { Cluster: "peter", Name: "broker-4" } }, [4]],
    ["by a tag that none has", { tags: { Cluster: "paul" } }, []],
    ["by a tag's pattern", filter("tag:Name", "broker-?"), [1, 2, 4]],
    ["by a tag's key", filter("tag-key", "Name"), [1, 2, 4]],
    ["by a key that none has", filter("tag-key", "Owner"), []],
    ["by several values", filter("public-ip", "198.18.7.1", "198.18.7.4"), [1, 4]],
    ["by id", filter("allocation-id", "eipalloc-2"), [2]],
    ["by instance", filter("instance-id", "i-1"), [1]],
    ["by interface", filter("network-interface-id", "eni-nat"), [4]],
    ["by any association", filter("association-id", "*"), [1, 4]],
    ["by private address", filter("private-ip-address", "10.0.0.1"), [1]],
    ["by filter and tag", { ...filter("association-id", "*"), tags: { Name: "broker-1" } }, [1]],
  ])("addresses %s", async (_, args, found) => {
    expect(await getEips(args)).toEqual({
      ...args,
      id: "ap-northeast-2",
      region: "ap-northeast-2",
      allocationIds: found.map((n) => `eipalloc-${n}`),
      publicIps: found.map((n) => `198.18.7.${n}`),
    });
  });

  test("addresses by what EC2 does not know", async () => {
    vi.mocked(readState).mockReturnValue(stateOf([]));
    await expect(getEips(filter("colour", "*"))).rejects.toThrow("The filter 'colour' is invalid");
    await expect(getEips({ ids: [] })).rejects.toThrow("does not know the argument ids");
  });

  const getQuota = async (args: object) =>
    functions["aws:servicequotas/getServiceQuota:getServiceQuota"]!({ ...args });
  const known = { serviceCode: "ec2", quotaCode: "L-0263D0A3" };

  test("the quota, as AWS's provider returns it", async () => {
    expect(await getQuota(known)).toEqual({
      ...known,
      id: "arn:aws:servicequotas:ap-northeast-2::ec2/L-0263D0A3",
      arn: "arn:aws:servicequotas:ap-northeast-2:000000000000:ec2/L-0263D0A3",
      adjustable: true,
      defaultValue: 5,
      globalQuota: false,
      quotaName: "EC2-VPC Elastic IPs",
      region: "ap-northeast-2",
      serviceName: "Amazon Elastic Compute Cloud (Amazon EC2)",
      usageMetrics: [],
      value: 5,
    });
    vi.stubEnv("KAFKALAB_ADDRESS_QUOTA", "20");
    expect(await getQuota(known)).toMatchObject({ defaultValue: 5, value: 20 });
    vi.unstubAllEnvs();
  });

  test.each([
    { ...known, quotaCode: "L-1216C47A" },
    { ...known, serviceCode: "vpc" },
  ])("another quota: %o", async (args) => {
    await expect(getQuota(args)).rejects.toThrow(
      expect.objectContaining({ code: "NoSuchResourceException" }) as Error,
    );
  });

  test("a quota by its name", async () => {
    const args = { serviceCode: "ec2", quotaName: "EC2-VPC Elastic IPs" };
    await expect(getQuota(args)).rejects.toThrow("does not know the argument quotaName");
  });
});
