import { describe, expect, test } from "vitest";
import * as addresses from "../../components/lib/addresses";
import { MOST_HOSTS, type Role } from "../../components/lib/names";

describe("parseCidr", () => {
  test.each([
    ["10.20.0.0/16", { first: 169082880, prefix: 16 }],
    ["0.0.0.0/0", { first: 0, prefix: 0 }],
    ["255.255.255.255/32", { first: 4294967295, prefix: 32 }],
  ])("reads %s", (text, block) => {
    expect(addresses.parseCidr(text)).toEqual(block);
  });

  test.each(["10.20.0.0", "10.20/16", "10.20.0.0/33", "256.0.0.0/8", "::/0", "0x0a.0.0.0/8", ""])(
    "refuses %j",
    (text) => {
      expect(addresses.parseCidr(text)).toBeUndefined();
    },
  );
});

test.each([
  ["10.0.0.0/8", "10.1.0.0/16", true],
  ["10.1.0.0/16", "10.0.0.0/8", true],
  ["10.0.0.0/24", "10.0.1.0/24", false],
  ["203.0.113.7/32", "203.0.113.7/32", true],
])("%s and %s overlap: %s", (one, other, expected) => {
  const [a, b] = [one, other].map((text) => addresses.parseCidr(text));
  expect(a && b && addresses.overlap(a, b)).toBe(expected);
});

test.each([
  ["10.20.0.0/16", ["10.20.0.0/19", "10.20.32.0/19", "10.20.64.0/19"]],
  ["192.168.7.0/24", ["192.168.7.0/27", "192.168.7.32/27", "192.168.7.64/27"]],
  ["172.16.5.128/25", ["172.16.5.128/28", "172.16.5.144/28", "172.16.5.160/28"]],
])("cuts %s into subnets", (vpc, subnets) => {
  expect(addresses.subnetCidrs(vpc, "public", 3)).toEqual(subnets);
});

test.each([
  ["zookeeper", 1, "10.20.0.4"],
  ["zookeeper", 2, "10.20.32.4"],
  ["zookeeper", 4, "10.20.0.5"],
  ["kafka", 1, "10.20.0.10"],
  ["kafka", 3, "10.20.64.10"],
  ["kafka", 300, "10.20.64.109"],
  ["client", 1, "10.20.31.254"],
  ["client", 3, "10.20.95.254"],
  ["client", 20, "10.20.63.248"],
] as const)("%s %i is at %s", (role, ordinal, address) => {
  expect(addresses.hostAddress("10.20.0.0/16", 3, "public", role, ordinal)).toBe(address);
});

test("private hosts, and what lies in front of them", () => {
  const vpc = "10.20.0.0/16";
  expect(addresses.subnetCidrs(vpc, "private", 3)).toEqual([
    "10.20.128.0/19",
    "10.20.160.0/19",
    "10.20.192.0/19",
  ]);
  expect(addresses.hostAddress(vpc, 3, "private", "kafka", 2)).toBe("10.20.160.10");
  expect(addresses.hostAddress(vpc, 3, "public", "bastion", 1)).toBe("10.20.0.9");
  expect(addresses.natAddress(vpc)).toBe("10.20.32.9");
});

/** The nodes of a role that fit into a VPC beside these others, or as many as a lab may have. */
const ordinals = (prefix: number, zones: number, role: Role, others = 0) =>
  Array.from(
    { length: Math.min(addresses.capacity(prefix, zones, role, others), MOST_HOSTS[role]) },
    (_, index) => index + 1,
  );

describe.each([
  [2, "kafka"],
  [2, "client"],
  [3, "kafka"],
  [3, "client"],
] as const)("over %i zones, with as many hosts as fit, of %s first", (zones, first) => {
  describe.each([16, 17, 18, 19, 20, 21, 22, 23, 24, 25])("a /%i", (prefix) => {
    const vpc = `10.20.0.0/${prefix}`;
    const others = ordinals(prefix, zones, first).length;
    const tenants = (tier: addresses.Tier) =>
      (["zookeeper", "kafka", "client"] as const).flatMap((role) =>
        ordinals(prefix, zones, role, role === first ? 0 : others).map((ordinal) => ({
          who: `${role}-${ordinal}`,
          tier,
          zone: addresses.zoneIndex(ordinal, zones),
          address: addresses.hostAddress(vpc, zones, tier, role, ordinal),
        })),
      );
    // While the topology changes, all of them may be there together.
    const all = [
      ...tenants("public"),
      ...tenants("private"),
      {
        who: "bastion",
        tier: "public" as const,
        zone: 0,
        address: addresses.hostAddress(vpc, zones, "public", "bastion", 1),
      },
      {
        who: "nat",
        tier: "public" as const,
        zone: addresses.NAT_ZONE_INDEX,
        address: addresses.natAddress(vpc),
      },
    ];

    test("no two have the same address, in any topology and in both together", () => {
      const owners = new Map<string, string[]>();
      for (const { who, address } of all) {
        owners.set(address, [...(owners.get(address) ?? []), who]);
      }
      expect([...owners.values()].filter((who) => who.length > 1)).toEqual([]);
    });

    test("each is in its subnet, at an address that AWS does not keep", () => {
      for (const { who, tier, zone, address } of all) {
        const cidr = addresses.subnetCidrs(vpc, tier, zones)[zone] ?? "";
        const [subnet, own] = [cidr, `${address}/32`].map((text) => addresses.parseCidr(text));
        expect(subnet && own && addresses.contains(subnet, own), `${who} ${address}`).toBe(true);
        const offset = (own?.first ?? 0) - (subnet?.first ?? 0);
        expect(offset, who).toBeGreaterThanOrEqual(4);
        expect(offset, who).toBeLessThan(2 ** (32 - (subnet?.prefix ?? 32)) - 1);
      }
    });

    test("one broker more than fit would get an address that AWS keeps", () => {
      const room = addresses.capacity(prefix, zones, "kafka");
      const address = addresses.hostAddress(vpc, zones, "public", "kafka", room + 1);
      const subnet = addresses.parseCidr(addresses.subnetCidrs(vpc, "public", 1)[0] ?? "");
      const own = addresses.parseCidr(`${address}/32`);
      expect((own?.first ?? 0) - (subnet?.first ?? 0)).toBe(2 ** (32 - (subnet?.prefix ?? 32)) - 1);
    });

    test("one client more than fit would get the address of a broker", () => {
      const count = ordinals(prefix, zones, "kafka").length;
      const client = addresses.capacity(prefix, zones, "client", count) + 1;
      const address = addresses.hostAddress(vpc, zones, "public", "client", client);
      expect(address).toBe(
        addresses.hostAddress(vpc, zones, "public", "kafka", count - ((count - 1) % zones)),
      );
    });

    test("nine ZooKeeper nodes and the default lab with three clients fit", () => {
      expect(ordinals(prefix, zones, "zookeeper")).toHaveLength(9);
      expect(addresses.capacity(prefix, zones, "client", 3)).toBeGreaterThanOrEqual(3);
    });
  });
});

test.each([
  [16, 2, "kafka", 16362],
  [24, 2, "kafka", 42],
  [25, 2, "kafka", 10],
  [25, 3, "kafka", 15],
  [25, 2, "zookeeper", 10],
  [25, 2, "bastion", 1],
  [25, 2, "client", 10],
] as const)("a /%i over %i zones has room for %s: %i", (prefix, zones, role, room) => {
  expect(addresses.capacity(prefix, zones, role)).toBe(room);
});

test.each([
  [2, 0, 10],
  [2, 1, 8],
  [2, 2, 8],
  [2, 3, 6],
  [3, 3, 12],
  [2, 10, 0],
  [2, 11, 0],
])("a /25 over %i zones has room beside %i brokers for clients: %i", (zones, brokers, room) => {
  expect(addresses.capacity(25, zones, "client", brokers)).toBe(room);
  expect(addresses.capacity(25, zones, "kafka", brokers)).toBe(room);
});

test.each([
  ["10.20.0.0/16", "20.10.in-addr.arpa"],
  ["10.20.128.0/20", "20.10.in-addr.arpa"],
  ["192.168.7.0/24", "7.168.192.in-addr.arpa"],
  ["192.168.7.128/25", "7.168.192.in-addr.arpa"],
])("the reverse zone of %s is %s", (vpc, zone) => {
  expect(addresses.reverseZone(vpc)).toBe(zone);
});

test("a pointer lies in the reverse zone", () => {
  expect(addresses.pointerName("10.20.32.4")).toBe("4.32.20.10.in-addr.arpa");
});
