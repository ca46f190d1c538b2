import { describe, expect, test, vi } from "vitest";
import { LISTENER_KEYS } from "../../components/lib/kafka-listeners";
import { readBrokerKeys } from "../../components/lib/kafka-keys";
import { changedBy, declareLab, type Graph, registered, wishOfKind } from "./support/graph";
import { rulesOf } from "./support/rules";
import { readVariables } from "./support/script";

/*
 * How clients outside the VPC reach brokers.
 */

vi.setConfig({ testTimeout: 60_000 });

const AWS = { target: "aws", sshAllowedCidrs: '["203.0.113.7/32"]' };
const OPEN = { ...AWS, clientAllowedCidrs: '["203.0.113.0/24"]' };
const NOBODY = '["none"]';

const declareAgain = (settings: Record<string, string>, foreignAddresses = 0) =>
  declareLab(settings, { isUp: true, foreignAddresses });
const brokersOf = ({ byName }: Graph) => wishOfKind(byName("kafka-ready"), "kafka").brokers;
const linesOf = (config: string, key: string) =>
  config.split("\n").filter((line) => line.startsWith(`${key}=`));

/** The names of resources that only one of two labs has. */
function added(before: Graph, after: Graph): string[] {
  const known = new Set(before.resources.map(({ name }) => name));
  return after.resources.map(({ name }) => name).filter((name) => !known.has(name));
}

describe("the public topology", () => {
  test("each broker has an elastic address, which it tells clients", async () => {
    const lab = await declareLab(OPEN);
    const ids = [1, 2, 3];
    const address = (id: number) => `address of kafka-${id}-address-id`;
    expect(lab.outputs.clientBootstrapServers).toBe(
      ids.map((id) => `${address(id)}:9094`).join(","),
    );
    expect(lab.outputs.bootstrapServers).toBe(
      "peter-kafka01.foo.bar:9092,peter-kafka02.foo.bar:9092,peter-kafka03.foo.bar:9092",
    );
    for (const id of ids) {
      expect(lab.byName(`kafka-${id}-address`).inputs).toMatchObject({ domain: "vpc" });
      const association = lab.byName(`kafka-${id}-address-association`);
      expect(association.inputs).toEqual({
        allocationId: `kafka-${id}-address-id`,
        instanceId: `kafka-${id}-instance-id`,
      });
      // EC2 refuses the address while the instance is starting.
      expect(association.dependencies).toContain(`kafka-${id}-state`);
      // Without a disassociation first, Pulumi could not release the address.
      expect(association.deletedWith).toBe("");
      const line = `advertised.listeners=PLAINTEXT://peter-kafka0${id}.foo.bar:9092,CLIENT://${address(id)}:9094`;
      const config = brokersOf(lab)[id - 1]?.stages[0]?.config ?? "";
      expect(linesOf(config, "advertised.listeners")).toEqual([line]);
      const stdin = String(lab.byName(`kafka-${id}-install`).inputs.stdin);
      expect(readVariables(stdin, ["CONFIG"])).toBe(`${config}|`);
    }
    const hosts = lab.outputs.hosts as Record<string, { publicIp: string }>;
    expect(hosts["peter-kafka02"]?.publicIp).toBe(address(2));
    expect(hosts["peter-zk02"]?.publicIp).toBe("address of zookeeper-2-instance-id");
  });

  test("a paused lab keeps the addresses", async () => {
    const { ofType, outputs } = await declareAgain({ ...OPEN, running: "false" });
    expect(ofType("aws:ec2/eipAssociation:EipAssociation")).toHaveLength(3);
    expect(outputs.clientBootstrapServers).toContain("address of kafka-3-address-id:9094");
    expect((outputs.hosts as Record<string, unknown>)["peter-kafka01"]).toMatchObject({
      publicIp: "",
    });
  });

  test("without clients it costs nothing: no address, no listener, no rule, no look-up", async () => {
    for (const settings of [AWS, { clientAllowedCidrs: NOBODY }]) {
      const lab = await declareLab(settings);
      expect(lab.ofType("aws:ec2/eip:Eip")).toEqual([]);
      expect(lab.outputs.clientBootstrapServers).toBe("");
      expect(lab.calls).not.toContain("aws:ec2/getEips:getEips");
      expect(rulesOf(lab).filter((rule) => /909[45]/.test(rule))).toEqual([]);
      for (const { stages } of brokersOf(lab)) {
        const config = stages[0]?.config ?? "";
        expect(linesOf(config, "listeners")).toEqual(["listeners=PLAINTEXT://0.0.0.0:9092"]);
        expect(linesOf(config, "listener.security.protocol.map")).toEqual([]);
      }
    }
  });

  test("a change of the blocks changes rules, and nothing else", async () => {
    const before = await declareAgain(OPEN);
    const settings = { ...AWS, clientAllowedCidrs: '["198.51.100.0/24","203.0.113.128/25"]' };
    const after = await declareAgain(settings);
    expect(await changedBy(before, settings)).toEqual(["firewall-rules"]);
    expect(added(before, after)).toEqual([
      "firewall-kafka-client-198-51-100-0-24-in",
      "firewall-kafka-client-203-0-113-128-25-in",
    ]);
    expect(added(after, before)).toEqual(["firewall-kafka-client-203-0-113-0-24-in"]);
  });

  test("the first clients change brokers' files, and no host", async () => {
    const before = await declareAgain(AWS);
    const changed = await changedBy(before, OPEN);
    expect(
      changed.filter((name) => /instance|volume|zookeeper|origin|founders/.test(name)),
    ).toEqual([]);
    expect(changed).toEqual(expect.arrayContaining(["kafka-1-install", "kafka-ready"]));
  });
});

describe("the private topology", () => {
  test("each broker tells clients the end of the tunnel on their own machine", async () => {
    const lab = await declareLab({ ...AWS, topology: "private", tunnelPort: "29092" });
    expect(lab.outputs.clientBootstrapServers).toBe(
      "localhost:29092,localhost:29093,localhost:29094",
    );
    expect(lab.ofType("aws:ec2/eip:Eip").map(({ name }) => name)).toEqual(["network-nat-address"]);
    expect(lab.ofType("aws:ec2/eipAssociation:EipAssociation")).toEqual([]);
    expect(rulesOf(lab)).toEqual(
      expect.arrayContaining(["bastion -> kafka tcp 9095 9095", "kafka <- bastion tcp 9095 9095"]),
    );
    for (const { id, stages } of brokersOf(lab)) {
      const config = stages[0]?.config;
      expect(config).toContain(`,TUNNEL://localhost:${29_091 + id}\n`);
    }
  });
});

test("a broker restarts for another listener, though Kafka could change it live", async () => {
  const { liveKeys } = wishOfKind((await declareLab()).byName("kafka-ready"), "kafka");
  expect(liveKeys).toContain("log.retention.ms");
  const { live } = readBrokerKeys("3.9.1");
  expect(live.filter((key) => !liveKeys.includes(key)).sort()).toEqual(
    LISTENER_KEYS.filter((key) => live.includes(key)).sort(),
  );
  expect(LISTENER_KEYS.filter((key) => live.includes(key))).not.toEqual([]);
});

describe("the quota of elastic addresses", () => {
  const refused = (used: number, lacking: number, remedy: string) =>
    `Elastic IP addresses: the lab must not need more than the region's quota allows (5, of which ${used} are in ` +
    `use); got ${lacking} more. ${remedy}, release addresses that you do not need, or ask for a higher quota ` +
    `(Service Quotas, L-0263D0A3; on the local target: KAFKALAB_ADDRESS_QUOTA=${used + lacking} npm run up).`;
  const FEWER = 'Set kafkalab:clientAllowedCidrs to ["none"], take fewer brokers';

  test.each<[string, Record<string, string>, number, string]>([
    ["six brokers", { ...OPEN, brokers: "6" }, 0, refused(0, 6, FEWER)],
    ["others' addresses", OPEN, 3, refused(3, 3, FEWER)],
    [
      "a NAT gateway",
      { ...AWS, topology: "private" },
      5,
      refused(5, 1, "Take the public topology"),
    ],
  ])("%s: refused before anything is made", async (_, settings, foreignAddresses, message) => {
    await expect(declareLab(settings, { foreignAddresses })).rejects.toThrow(message);
    expect(registered().filter((name) => !/^(aws|lab-id)$/.test(name))).toEqual([]);
  });

  test("addresses that the lab has are no obstacle to it", async () => {
    await expect(declareLab(OPEN, { foreignAddresses: 2 })).resolves.toBeDefined();
    await expect(declareAgain(OPEN, 2)).resolves.toBeDefined();
    await expect(declareAgain({ ...OPEN, brokers: "5" }, 0)).resolves.toBeDefined();
  });
});
