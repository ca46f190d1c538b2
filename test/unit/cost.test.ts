import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ebs from "@pulumi/aws/ebs";
import * as ec2 from "@pulumi/aws/ec2";
import * as ec2transitgateway from "@pulumi/aws/ec2transitgateway";
import * as route53 from "@pulumi/aws/route53";
import { afterAll, describe, expect, test, vi } from "vitest";
import { readInstanceType } from "../../components/lib/instance-types";
import { cost } from "../../cli/cost/cost";
import { estimate } from "../../cli/cost/estimate";
import { type Prices, readPrices } from "../../cli/cost/prices";
import { table } from "../../cli/cost/report";
import { readStackConfig } from "../../cli/lib/stack-config";
import type { Registration } from "../../cli/dry-run/registration";
import { declareLab } from "./support/graph";

const AWS = { target: "aws", sshAllowedCidrs: '["203.0.113.7/32"]' };

/** A region that is easy to reckon with. */
const PRICES: Prices = {
  instances: section("instances", { "t3.small": 0.1, "t4g.small": 0.2 }),
  volumes: section("volumes", {
    gp2: { gib: 0.5 },
    gp3: { gib: 0.25, iops: [0.01], mibps: 0.1 },
    io1: { gib: 1, iops: [0.02] },
    io2: { gib: 2, iops: [0.04, 0.02, 0.01] },
  }),
  addresses: section("addresses", 0.01),
  natGateways: section("natGateways", 0.3),
  zones: { ...section("zones", 0), regions: undefined, everywhere: 2 },
  usage: {
    internetGb: section("internet", 0.9),
    zoneGb: section("zones", 0.8),
    natGb: section("nat", 0.7),
    queries: section("queries", 0.6),
    t3Credits: section("t3", 0.5),
    t4gCredits: section("t4g", 0.4),
  },
};

function section<T>(what: string, price: T) {
  return { what, date: "2026-01-01", source: `https://${what}.test`, regions: { here: price } };
}

/** A registration by hand, of which the estimate reads no more than this. */
function declared(
  resource: unknown,
  name: string,
  inputs: Record<string, unknown> = {},
  parent = "",
): Registration {
  const type = (resource as { __pulumiType: string }).__pulumiType;
  return { type, name, inputs, parent } as Registration;
}

function instance(name: string, more: Record<string, unknown> = {}): Registration {
  const inputs = {
    instanceType: "t3.small",
    rootBlockDevice: { volumeType: "gp3", volumeSize: 8 },
    tags: { Name: `peter-${name}` },
    ...more,
  };
  return declared(ec2.Instance, `${name}-instance`, inputs, name);
}

function state(name: string, value: string): Registration {
  const inputs = { instanceId: `${name}-instance-id`, state: value };
  return declared(ec2transitgateway.InstanceState, `${name}-state`, inputs, name);
}

const reckon = (resources: Registration[], region = "here") => estimate(resources, PRICES, region);

describe("the lab as it is declared", () => {
  test("in Seoul, at the prices of the table", async () => {
    const { resources } = await declareLab(AWS);
    const result = estimate(resources, readPrices(), "ap-northeast-2");

    // A ZooKeeper node, per month:
    //   t3.small          0.026  × 730 = 18.98
    //   public address    0.005  × 730 =  3.65
    //   root volume       0.0912 ×  10 =  0.912
    //   data volume       0.0912 ×  10 =  0.912, together 24.454
    // A broker:
    //   t3.medium         0.052  × 730 = 37.96
    //   public address    0.005  × 730 =  3.65
    //   root volume       0.0912 ×  10 =  0.912
    //   data volume       0.0912 ×  20 =  1.824, together 44.346
    // Two zones:          0.5    ×   2 =  1
    // 3 × 24.454 + 3 × 44.346 + 1 = 207.4
    // Paused: 3 × (0.912 + 0.912) + 3 × (0.912 + 1.824) + 1 = 14.68
    expect(result.perMonth).toBeCloseTo(207.4, 8);
    expect(result.pausedPerMonth).toBeCloseTo(14.68, 8);
    expect(result.missing).toEqual([]);
    expect(
      result.items
        .filter(({ group }) => group === "peter-kafka01")
        .map(({ resource, what, perMonth }) => [resource, what, perMonth?.toFixed(3)]),
    ).toEqual([
      ["kafka-1-volume", "volume, 20 GiB gp3", "1.824"],
      ["kafka-1-instance", "t3.medium", "37.960"],
      ["kafka-1-instance", "root volume, 10 GiB gp3", "0.912"],
      ["kafka-1-instance", "public IPv4 address", "3.650"],
    ]);
    expect(result.items).toHaveLength(6 * 4 + 2);
  });

  test("client hosts, each at its own price", async () => {
    const lab = async (clients: string) => {
      const { resources } = await declareLab({ ...AWS, clients });
      return estimate(resources, readPrices(), "ap-northeast-2");
    };
    // t3.small 0.026 × 730 = 18.98, address 3.65, root volume 0.0912 × 10 = 0.912, together 23.542
    const [none, two] = [await lab("0"), await lab("2")];
    expect(none.perMonth).toBeCloseTo(207.4, 8);
    expect(two.perMonth).toBeCloseTo(207.4 + 2 * 23.542, 8);
    expect(two.pausedPerMonth).toBeCloseTo(14.68 + 2 * 0.912, 8);
    expect(two.missing).toEqual([]);
    expect(
      two.items.filter(({ group }) => group === "peter-client02").map(({ what }) => what),
    ).toEqual(["t3.small", "root volume, 10 GiB gp3", "public IPv4 address"]);
  });

  test("private, and paused", async () => {
    const lab = async (more: Record<string, string>) => {
      const { resources } = await declareLab({ ...AWS, topology: "private", ...more });
      return estimate(resources, readPrices(), "ap-northeast-2");
    };
    // As above without six public addresses:  207.4 − 6 × 3.65 = 185.5
    // The bastion: t3.nano 0.0065 × 730 = 4.745, address 3.65, root volume 0.912, together 9.307
    // The NAT gateway 0.059 × 730 = 43.07, its address 3.65
    // 185.5 + 9.307 + 43.07 + 3.65 = 241.527
    // Paused: the volumes and zones of above, and the bastion's root volume: 14.68 + 0.912 = 15.592
    const running = await lab({});
    expect(running.perMonth).toBeCloseTo(241.527, 8);
    expect(running.pausedPerMonth).toBeCloseTo(15.592, 8);
    const paused = await lab({ running: "false" });
    expect(paused.perMonth).toBeCloseTo(15.592, 8);
    expect([...running.missing, ...paused.missing]).toEqual([]);
  });
});

/** A private lab of one broker; while it is paused, the way out is not declared. */
function privateLab(running: boolean): Registration[] {
  const names = ["bastion01", "kafka01"];
  return [
    declared(ec2.Subnet, "network-public-1", { mapPublicIpOnLaunch: true }, "network"),
    declared(ec2.Subnet, "network-private-1", { mapPublicIpOnLaunch: false }, "network"),
    ...(running
      ? [
          declared(ec2.Eip, "network-nat-address", { domain: "vpc" }, "network"),
          declared(ec2.NatGateway, "network-nat", { connectivityType: "public" }, "network"),
        ]
      : []),
    declared(route53.Zone, "dns-zone", { name: "foo.bar" }, "dns"),
    instance("bastion01", { subnetId: "network-public-1-id" }),
    instance("kafka01", { subnetId: "network-private-1-id" }),
    declared(ebs.Volume, "kafka01-volume", { type: "gp3", size: 20 }, "kafka01"),
    ...names.map((name) => state(name, running ? "running" : "stopped")),
  ];
}

describe("a private lab", () => {
  test("has one public address for the bastion and one for the NAT gateway", () => {
    // The NAT gateway 0.3 × 730 = 219, its address 0.01 × 730 = 7.3, the zone 2;
    // the bastion 0.1 × 730 = 73, its address 7.3, its root volume 0.25 × 8 = 2;
    // the broker 73, its root volume 2, its data volume 0.25 × 20 = 5:
    // 219 + 7.3 + 2 + 73 + 7.3 + 2 + 73 + 2 + 5 = 390.6, or 0.5351 per hour, 12.84 per day.
    // Paused, the volumes and the zone are left: 2 + 2 + 5 + 2 = 11, or 0.0151 per hour.
    const result = reckon(privateLab(true));
    expect(result.perMonth).toBeCloseTo(390.6, 8);
    expect(table("test", result, ["One more thing."])).toBe(`\
Stack test, in here: estimated price in USD.

RESOURCE               WHAT                    PER HOUR  PER MONTH
network                                          0.3100     226.30
  network-nat-address  Elastic IP address        0.0100       7.30
  network-nat          NAT gateway               0.3000     219.00
dns                                              0.0027       2.00
  dns-zone             zone foo.bar              0.0027       2.00
peter-bastion01                                  0.1127      82.30
  bastion01-instance   t3.small                  0.1000      73.00
  bastion01-instance   root volume, 8 GiB gp3    0.0027       2.00
  bastion01-instance   public IPv4 address       0.0100       7.30
peter-kafka01                                    0.1096      80.00
  kafka01-instance     t3.small                  0.1000      73.00
  kafka01-instance     root volume, 8 GiB gp3    0.0027       2.00
  kafka01-volume       volume, 20 GiB gp3        0.0068       5.00
TOTAL                                            0.5351     390.60

Per day: 12.84.
Paused (kafkalab:running false): 0.0151 per hour, 11.00 per month.

Not in the total, since it depends on use:
  0.9    internet
  0.8    zones
  0.7    nat
  0.6    queries
  0.5    t3

To know:
  A zone costs a whole month unless it is deleted within 12 hours.
  One more thing.

Prices of AWS, from cli/cost/prices.json:
  2026-01-01  addresses: https://addresses.test
  2026-01-01  natGateways: https://natGateways.test
  2026-01-01  zones: https://zones.test
  2026-01-01  instances: https://instances.test
  2026-01-01  volumes: https://volumes.test

An estimate, without taxes, discounts and data transfer. A month is 730 hours.
`);
  });

  test("costs, once it is paused, what was foretold", () => {
    const paused = reckon(privateLab(false));
    expect(paused.perMonth).toBeCloseTo(11, 8);
    expect(reckon(privateLab(true)).pausedPerMonth).toBeCloseTo(paused.perMonth, 8);
    expect(paused.items.map(({ resource, what }) => [resource, what])).toEqual([
      ["dns-zone", "zone foo.bar"],
      ["bastion01-instance", "t3.small, stopped"],
      ["bastion01-instance", "root volume, 8 GiB gp3"],
      ["kafka01-instance", "t3.small, stopped"],
      ["kafka01-instance", "root volume, 8 GiB gp3"],
      ["kafka01-volume", "volume, 20 GiB gp3"],
    ]);
    expect(table("test", paused, [])).not.toContain("Paused");
  });

  test("one stopped host stops costing, the other does not", () => {
    // 73 + 2 for the one that runs, 2 for the root volume of the other.
    const names = ["kafka01", "kafka02"];
    const hosts = [...names.map((name) => instance(name)), state("kafka02", "stopped")];
    expect(reckon(hosts).perMonth).toBeCloseTo(77, 8);
  });
});

describe("volumes", () => {
  test.each([
    ["gp2", { type: "gp2", size: 10 }, "10 GiB gp2", 10 * 0.5],
    ["of no type, which is gp2", { size: 10 }, "10 GiB gp2", 10 * 0.5],
    [
      "gp3 within what is free",
      { type: "gp3", size: 10, iops: 3000, throughput: 125 },
      "10 GiB gp3, 3000 IOPS, 125 MiB/s",
      10 * 0.25,
    ],
    [
      "gp3 with 1000 IOPS and 75 MiB/s beyond",
      { type: "gp3", size: 10, iops: 4000, throughput: 200 },
      "10 GiB gp3, 4000 IOPS, 200 MiB/s",
      10 * 0.25 + 1000 * 0.01 + 75 * 0.1,
    ],
    ["io1", { type: "io1", size: 10, iops: 500 }, "10 GiB io1, 500 IOPS", 10 * 1 + 500 * 0.02],
    [
      "io1, which has one price for all IOPS",
      { type: "io1", size: 10, iops: 50_000 },
      "10 GiB io1, 50000 IOPS",
      10 * 1 + 50_000 * 0.02,
    ],
    [
      "io2 in the first tier",
      { type: "io2", size: 10, iops: 32_000 },
      "10 GiB io2, 32000 IOPS",
      10 * 2 + 32_000 * 0.04,
    ],
    [
      "io2 in all three tiers",
      { type: "io2", size: 10, iops: 70_000 },
      "10 GiB io2, 70000 IOPS",
      10 * 2 + 32_000 * 0.04 + 32_000 * 0.02 + 6000 * 0.01,
    ],
  ])("%s", (_, inputs, what, perMonth) => {
    const { items, missing } = reckon([declared(ebs.Volume, "v", inputs)]);
    expect(missing).toEqual([]);
    expect(items.map((item) => item.what)).toEqual([`volume, ${what}`]);
    expect(items[0]?.perMonth).toBeCloseTo(perMonth, 8);
  });

  test("a root volume can have its own IOPS and throughput", () => {
    const rootBlockDevice = { volumeType: "gp3", volumeSize: 10, iops: 3100, throughput: 130 };
    // 10 × 0.25 + 100 × 0.01 + 5 × 0.1 = 4, beside 73 for the instance.
    expect(reckon([instance("kafka01", { rootBlockDevice })]).perMonth).toBeCloseTo(77, 8);
  });
});

describe("what has no price", () => {
  const lacks = (what: string, name: string, region = "here") =>
    `The table has no price of ${what} in ${region}. ` +
    `Add it to "${name}" in cli/cost/prices.json, with its date and source.`;

  test("a type that the table lacks: the rest is priced, and the total says so", () => {
    const result = reckon([
      instance("kafka01", { instanceType: "x9.huge" }),
      declared(ebs.Volume, "kafka01-volume", { type: "st1", size: 500 }, "kafka01"),
    ]);
    expect(result.missing).toEqual([
      lacks("x9.huge", "instances"),
      lacks("st1 volumes", "volumes"),
    ]);
    expect(result.perMonth).toBeCloseTo(2, 8);
    const text = table("test", result, []);
    expect(text).toMatch(/^peter-kafka01 +\? +\?$/m);
    expect(text).toMatch(/^ {2}kafka01-instance +x9\.huge +\? +\?$/m);
    expect(text).toMatch(/^ {2}kafka01-instance +root volume, 8 GiB gp3 +0\.0027 +2\.00$/m);
    expect(text).toMatch(/^TOTAL +without rows marked \? +0\.0027 +2\.00$/m);
    expect(text).toContain(`INCOMPLETE:\n  ${lacks("x9.huge", "instances")}\n`);
    expect(text).not.toContain("Per day");
  });

  test("a region that the table lacks: zones alone cost the same everywhere", () => {
    const result = reckon(privateLab(true), "there");
    expect(result.missing).toEqual([
      lacks("public IPv4 addresses", "addresses", "there"),
      lacks("NAT gateways", "natGateways", "there"),
      lacks("t3.small", "instances", "there"),
      lacks("gp3 volumes", "volumes", "there"),
    ]);
    expect(result.perMonth).toBeCloseTo(2, 8);
    expect(table("test", result, [])).toContain("\n  ?      internet\n");
  });

  test.each([
    ["all", undefined],
    ["the size", { volumeType: "gp3" }],
    ["the type", { volumeSize: 8 }],
  ])("a root volume of which only the image knows %s", (_, rootBlockDevice) => {
    const { missing, items } = reckon([instance("kafka01", { rootBlockDevice })]);
    expect(missing).toEqual(["A root volume has no type or size of its own. Declare both."]);
    expect(items[1]).toMatchObject({ what: "root volume", perMonth: undefined });
  });

  test("a resource that nobody has thought of", () => {
    const { missing, items } = reckon([declared(ec2.VpcEndpoint, "network-endpoint")]);
    expect(missing).toEqual([
      "Whether aws:ec2/vpcEndpoint:VpcEndpoint costs anything is not known. Add it to cli/cost/estimate.ts.",
    ]);
    expect(items).toMatchObject([{ resource: "network-endpoint", perMonth: undefined }]);
  });
});

test("CPU credits are named where the instances are of the kind", () => {
  const whats = (instanceType: string) =>
    reckon([instance("kafka01", { instanceType })]).usage.map(({ what }) => what);
  expect(whats("t3.small")).toEqual(["internet", "zones", "t3"]);
  expect(whats("t4g.small")).toEqual(["internet", "zones", "t4g"]);
  expect(whats("m5.large")).toEqual(["internet", "zones"]);
});

describe("the table of prices", () => {
  const prices = readPrices();
  const { usage, ...priced } = prices;

  test("says of each section when it was published and where", () => {
    for (const one of [...Object.values(priced), ...Object.values(usage)]) {
      expect(one.date, one.what).toMatch(/^20\d\d-\d\d-\d\d$/);
      expect(one.source, one.what).toMatch(/^https:\/\/\S+$/);
    }
  });

  test("has the same regions and kinds throughout", () => {
    const regions = Object.keys(prices.instances.regions ?? {});
    expect(regions).toContain("ap-northeast-2");
    for (const region of regions) {
      expect(Object.keys(prices.instances.regions?.[region] ?? {})).toEqual(
        Object.keys(prices.instances.regions?.["ap-northeast-2"] ?? {}),
      );
      expect(Object.keys(prices.volumes.regions?.[region] ?? {})).toEqual([
        "gp2",
        "gp3",
        "io1",
        "io2",
      ]);
    }
    expect(Object.keys(prices.volumes.regions ?? {})).toEqual(regions);
    expect(Object.keys(prices.addresses.regions ?? {})).toEqual(regions);
    expect(Object.keys(prices.natGateways.regions ?? {})).toEqual(regions);
  });

  test("has instance types that the settings take, each at the price of its memory", () => {
    for (const [region, types] of Object.entries(prices.instances.regions ?? {})) {
      const perGiB = new Map<string, number>();
      for (const [name, price] of Object.entries(types)) {
        const type = readInstanceType(name);
        const gib = typeof type === "string" ? NaN : (type.memoryGiB ?? NaN);
        const family = name.slice(0, name.indexOf("."));
        // Within a family a type of twice the size costs twice as much, but for rounding.
        const first = perGiB.get(family) ?? price / gib;
        expect(Math.abs(price / gib / first - 1), `${name} in ${region}`).toBeLessThan(0.03);
        perGiB.set(family, first);
      }
    }
  });
});

test("a stack's configuration reads as Pulumi hands it to the program", () => {
  const text = `
encryptionsalt: v1:x
config:
  kafkalab:brokers: 4
  kafkalab:vpcCidr: "10.99.0.0/16"
  kafkalab:running: false
  kafkalab:sshAllowedCidrs: [203.0.113.7/32]
  kafkalab:tags:
    Team: "7"
  pulumi:disable-default-providers:
    - aws
  kafkalab:token:
    secure: v1:abc
  domain: foo.bar
`;
  expect(readStackConfig(text, "Pulumi.x.yaml")).toEqual({
    "kafkalab:brokers": "4",
    "kafkalab:vpcCidr": "10.99.0.0/16",
    "kafkalab:running": "false",
    "kafkalab:sshAllowedCidrs": '["203.0.113.7/32"]',
    "kafkalab:tags": '{"Team":"7"}',
    "pulumi:disable-default-providers": '["aws"]',
    "kafkalab:domain": "foo.bar",
  });
  expect(readStackConfig("", "Pulumi.x.yaml")).toEqual({});
  expect(() => readStackConfig("config: [", "Pulumi.x.yaml")).toThrow(
    /^Pulumi\.x\.yaml: it must be YAML; got: /,
  );
});

describe("the command", () => {
  const directory = mkdtempSync(join(tmpdir(), "kafkalab-cost-"));
  afterAll(() => rmSync(directory, { recursive: true }));

  async function run(settings: Record<string, unknown>, ...args: string[]) {
    const config = Object.fromEntries(
      Object.entries(settings).map(([key, value]) => [`kafkalab:${key}`, value]),
    );
    writeFileSync(join(directory, "Pulumi.dev.yaml"), JSON.stringify({ config }));
    vi.resetModules();
    return cost(args, directory);
  }

  test("prices the stack dev, though nobody may log in yet", async () => {
    const { text, complete } = await run({ target: "aws" });
    expect(complete).toBe(true);
    expect(text).toMatch(/^Stack dev, in ap-northeast-2: /);
    expect(text).toMatch(/^TOTAL +0\.2841 +207\.40$/m);
    expect(text).toContain("  kafkalab:sshAllowedCidrs is not set: 192.0.2.1/32 stands in for it");
  });

  test.each(["tls", "sasl"])(
    "prices %s as plaintext: certificates cost nothing",
    async (security) => {
      const { text, complete } = await run({ target: "aws", security, users: ["alice"] });
      expect(complete).toBe(true);
      expect(text).toMatch(/^TOTAL +0\.2841 +207\.40$/m);
    },
  );

  test("as JSON, in another region", async () => {
    const settings = { ...AWS, sshAllowedCidrs: ["203.0.113.7/32"], region: "us-east-1" };
    const { text } = await run({ ...settings, brokers: 5 }, "--json", "-s", "dev");
    // ZooKeeper: 730 × (0.0208 + 0.005) + 20 × 0.08 = 20.434; a broker: 730 × (0.0416 + 0.005)
    // + 30 × 0.08 = 36.418; 3 × 20.434 + 5 × 36.418 + 1 = 244.392, or 0.334784 per hour.
    expect(JSON.parse(text)).toMatchObject({
      stack: "dev",
      region: "us-east-1",
      total: { perHour: 0.334784, perMonth: 244.392 },
      complete: true,
      missing: [],
      notes: [],
    });
  });

  test("is incomplete without a price", async () => {
    const { text, complete } = await run({ target: "aws", brokerInstanceType: "r5.large" });
    expect(complete).toBe(false);
    expect(text).toContain("The table has no price of r5.large in ap-northeast-2.");
  });

  test("says that the local target costs nothing", async () => {
    expect(await run({ target: "local" })).toEqual({
      text: "Stack dev costs nothing: its hosts run on this machine.\n",
      complete: true,
    });
    const { text } = await run({ target: "local" }, "--json");
    expect(JSON.parse(text)).toMatchObject({ items: [], total: { perMonth: 0 } });
  });

  test("has the program judge the settings", async () => {
    await expect(run({ target: "aws", brokers: "three" })).rejects.toThrow(
      'Stack "dev" has a fault in its settings; nothing was changed:\n' +
        '  - Setting "kafkalab:brokers": it must be a whole number; got "three".',
    );
  });

  test("knows the stacks that have settings, and its own arguments", async () => {
    await expect(run({}, "-s", "nix")).rejects.toThrow(
      'Stack "nix": its settings must be in Pulumi.nix.yaml; there is no such file. ' +
        "Name another stack with -s.",
    );
    await expect(run({}, "--jsn")).rejects.toThrow(
      "Unknown option '--jsn'\nUsage: npm run cost -- [-s STACK] [--json]",
    );
  });
});
