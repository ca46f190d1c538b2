import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { type Settings, useLab } from "../../support/lab";

/*
 * Bad settings, by the user's own command. Faults that do not hide one another come in one run: then
 * all of them are said at once.
 */

const lab = useLab("settings");

test.each<[string, Settings, string[]]>([
  [
    "of the cluster",
    {
      zookeeperNodes: 4,
      replicationFactor: 4,
      kafkaVersion: "4.0.0",
      zookeeperVersion: "3.5.9",
      brokerInstanceType: "t3.nano",
      brokerVolumeGiB: 0,
      topic: "peter overview",
      broker: 3,
    },
    [
      'zookeeperNodes": it must be odd; got 4.',
      'replicationFactor": it must not be above the number of brokers (3); got 4.',
      'kafkaVersion": it must be below 4.0, since Kafka 4 has no ZooKeeper; got "4.0.0".',
      'zookeeperVersion": it must be a release of 3.8, which is what Kafka 3.9 uses; got "3.5.9".',
      'brokerInstanceType": it must have memory for a heap of 384 MiB (at most 50 % of it, 256 MiB',
      'brokerVolumeGiB": it must be from 1 to 65536 (GiB of gp3); got 0.',
      'topic": it must be 1 to 249 letters, digits, dots, hyphens and underscores, and start with',
      'broker": its name must be that of a setting; got "broker". Did you mean kafkalab:brokers?',
    ],
  ],
  [
    "of the network",
    {
      zookeeperNodes: 0,
      vpcCidr: "10.20.1.0/16",
      sshAllowedCidrs: ["0.0.0.0/0"],
      domain: "Foo_Bar",
      archiveUrl: "archive.apache.org/dist/",
      kafkaVersion: "3.8.0",
    },
    [
      'zookeeperNodes": it must be from 1 to 9; got 0.',
      'vpcCidr": it must start at the first address of its block; got "10.20.1.0/16".',
      'sshAllowedCidrs": it must not open SSH to the whole internet; got "0.0.0.0/0".',
      'domain": it must be two or more labels of lower-case letters, digits and inner hyphens',
      'archiveUrl": it must be an http or https URL without user, query or a slash at its end',
      'kafkaVersion": it must be a version whose checksum is pinned (3.8.1, 3.9.0, 3.9.1); got "3.8.0".',
    ],
  ],
  [
    "of numbers and room",
    {
      vpcCidr: "10.20.0.0/25",
      brokers: 11,
      sshAllowedCidrs: ["203.0.113.0/24", "203.0.113.7/32"],
    },
    [
      'vpcCidr": it must have an address for each of the 11 brokers (this one has room for 10)',
      'sshAllowedCidrs": it must hold blocks that do not overlap; got',
    ],
  ],
  [
    "of a network that is none",
    { vpcCidr: "10.20.0.0", colour: "red" },
    [
      'vpcCidr": it must be an IPv4 CIDR; got "10.20.0.0".',
      'colour": its name must be that of a setting; got "colour".',
    ],
  ],
])("faults %s are all said at once, and nothing is made", async (_, settings, messages) => {
  lab.configure(settings);
  const { status, output } = await lab.run("up");
  expect(status).not.toBe(0);
  expect(output).toContain(
    `Stack "local" has ${messages.length} faults in its settings; nothing was changed:`,
  );
  for (const message of messages) {
    expect(output).toContain(`- Setting "kafkalab:${message}`);
  }
  expect(output).not.toMatch(/^\s+at .*:\d+:\d+/m);
  await nothingMade();
});

test("a text where a number belongs is refused by Pulumi itself", async () => {
  lab.configure({ zookeeperHeapMiB: "much" });
  const { status, output } = await lab.run("up");
  expect(status).not.toBe(0);
  expect(output).toContain(
    "configuration key 'kafkalab:zookeeperHeapMiB' must be of type 'integer'",
  );
  await nothingMade();
});

async function nothingMade(): Promise<void> {
  expect(existsSync(lab.cloudStateFile)).toBe(false);
  expect((await lab.pulumiState()).ids.size).toBe(0);
}
