import { expect, test } from "vitest";
import { Accounts } from "../../support/accounts";
import { booted, Cloud, hostShell, tryHostShell } from "../../support/local-cloud";
import { ami, fromMachine, network, T, textOf } from "../../support/network";
import { must } from "../../support/run";

/*
 * Several processes of the plugin, and several VPCs, at once.
 */

const accounts = new Accounts();

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
    await accounts.finish(cloud);
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
    await accounts.finish(cloud);
  }
});

test("two accounts have their elastic addresses from two blocks, and both are reached", async () => {
  const clouds = [new Cloud(), new Cloud()];
  try {
    const elastic = await Promise.all(
      clouds.map(async (cloud) => {
        const plugin = await cloud.plugin();
        const net = await network(plugin, "net");
        await plugin.create(T.ingress, "ssh", fromMachine(net.group, 22));
        const [eip, host] = await Promise.all([
          plugin.create(T.eip, "host", {}),
          plugin.create(T.instance, "host", {
            ...{ ami: await ami(plugin), instanceType: "t3.small", subnetId: net.subnet.id },
            vpcSecurityGroupIds: [net.group.id],
          }),
        ]);
        await plugin.create(T.eipAssociation, "host", {
          ...{ allocationId: eip.id, instanceId: host.id },
        });
        await booted(host.id, textOf(host, "privateIp"));
        return { address: textOf(eip, "publicIp"), host };
      }),
    );
    const blocks = elastic.map(({ address }) => address.replace(/\.\d+$/, ""));
    expect(blocks[0]).not.toBe(blocks[1]);
    for (const { address, host } of elastic) {
      // Each address leads to its own host, by that host's key.
      const [, , key] = (await must(["ssh-keyscan", "-t", "ed25519", address])).split(" ");
      const own = await hostShell(host.id, "cat /etc/ssh/ssh_host_ed25519_key.pub");
      expect(own.split(" ")[1]).toBe(key?.trim());
    }
    await clouds[0]!.destroy();
    const routes = await must(["ip", "-4", "route"]);
    expect(routes).not.toContain(`${blocks[0]}.`);
    expect(routes).toContain(`${blocks[1]}.0/24`);
  } finally {
    for (const cloud of clouds) await accounts.finish(cloud);
  }
});

test("after the last deletion nothing is left", () => accounts.expectNothingLeft());
