import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  booted,
  Cloud,
  hostInit,
  tryHostShell,
  type Plugin,
  type Resource,
} from "../support/local-cloud";
import { ami, network, T, textOf, type Network } from "../support/network";
import { must, waitFor } from "../support/run";
import { SmallMachine } from "../support/small-machine";

/*
 * The network of a VPC while its hosts run: whatever is lost on its own, at either end of a link, is
 * seen and mended, and meanwhile no connection for a host leaves the machine.
 */

const machine = new SmallMachine();
const cloud = new Cloud({ machine });
let plugin: Plugin;
let net: Network;
let a: Resource;
let b: Resource;

/** The public block of a VPC, of which its hosts have addresses. */
const blockOf = (host: Resource) => textOf(host, "publicIp").replace(/\d+$/, "0/24");
const outer = () => `kl-${net.vpc.id.slice(4, 16)}`;
const router = () => `kafkalab-${net.vpc.id}`;
const bridge = () => `br-${net.subnet.id.slice(7, 19)}`;
const port = (host: Resource) => `p-${host.id.slice(2, 14)}`;
const dial = (address: string) => machine.shell(`timeout 3 bash -c '</dev/tcp/${address}/22'`);

beforeAll(async () => {
  await machine.make();
  plugin = await cloud.plugin();
  net = await network(plugin, "net");
  await plugin.create(T.ingress, "ssh", {
    securityGroupId: net.group.id,
    ipProtocol: "tcp",
    fromPort: 22,
    toPort: 22,
    cidrIpv4: "0.0.0.0/0",
  });
  const inputs = {
    ami: await ami(plugin),
    instanceType: "t3.small",
    subnetId: net.subnet.id,
    vpcSecurityGroupIds: [net.group.id],
  };
  [a, b] = await Promise.all([
    plugin.create(T.instance, "a", inputs),
    plugin.create(T.instance, "b", inputs),
  ]);
  const zone = await plugin.create(T.zone, "zone", {
    name: "foo.test",
    vpcs: [{ vpcId: net.vpc.id }],
  });
  await plugin.create(T.record, "b", {
    ...{ zoneId: zone.id, name: "b", type: "A", ttl: 60 },
    records: [textOf(b, "privateIp")],
  });
  await Promise.all([a, b].map((host) => booted(host.id, textOf(host, "privateIp"))));
});
afterAll(async () => {
  await cloud.dispose();
  await machine.remove();
});

/** Mends the VPC as `up` does. */
async function mend(by = plugin): Promise<void> {
  expect(await by.diff(net.vpc)).toMatchObject({ changes: true, replaces: [] });
  await by.update(net.vpc, {});
}

/** Waits until the machine reaches the hosts, and the hosts reach one another, by name, and the mirror. */
async function works(): Promise<void> {
  await waitFor("the network", "whole", 30, async () => {
    for (const host of [a, b]) {
      const { status, output } = await dial(textOf(host, "publicIp"));
      if (status !== 0) return `machine to ${textOf(host, "publicIp")}: ${output}`;
    }
    const inside = ["b.foo.test/22", "mirror.local-cloud.internal/80"];
    const script = inside.map((to) => `timeout 3 bash -c '</dev/tcp/${to}'`).join(" && ");
    const { status, output } = await tryHostShell(a.id, script);
    return status === 0 ? {} : `inside: ${output}`;
  });
}

describe("what is lost on its own is seen and mended, while hosts run", () => {
  const here = (line: () => string) => () => machine.shell(line());
  const inRouter = (line: () => string) => () =>
    must(["ip", "netns", "exec", router(), "bash", "-c", line()]);
  const daemon = (name: string) => `pkill --full '^${name} .*${net.vpc.id}'`;

  test.each<[string, () => Promise<unknown>]>([
    ["the machine's end is down", here(() => `ip link set ${outer()} down`)],
    ["the machine's end has no address", here(() => `ip address flush dev ${outer()}`)],
    ["the machine's end is gone", here(() => `ip link delete ${outer()}`)],
    ["the machine has no route", here(() => `ip route delete ${blockOf(a)} dev ${outer()}`)],
    ["the machine has no guard", here(() => `ip route delete unreachable ${blockOf(a)}`)],
    ["the router's end is down", inRouter(() => "ip link set uplink down")],
    ["the router's end has no address", inRouter(() => "ip address flush dev uplink")],
    ["a bridge is down", inRouter(() => `ip link set ${bridge()} down`)],
    ["a bridge has no address", inRouter(() => `ip address flush dev ${bridge()}`)],
    ["a bridge has another MAC address", inRouter(() => `ip link set ${bridge()} address 02:00:00:00:00:02`)],
    ["a bridge is gone", inRouter(() => `ip link delete ${bridge()}`)],
    ["a host's port is down", inRouter(() => `ip link set ${port(a)} down`)],
    ["a host's port is on no bridge", inRouter(() => `ip link set ${port(a)} nomaster`)],
    ["a host's port is not isolated", inRouter(() => `bridge link set dev ${port(a)} isolated off`)],
    ["the resolver has no address", inRouter(() => "ip address delete 10.77.0.2/32 dev lo")],
    ["the mirror has no address", inRouter(() => "ip address delete 169.254.169.252/32 dev lo")],
    ["lo is down", inRouter(() => "ip link set lo down")],
    ["nothing is forwarded", inRouter(() => "sysctl -q -w net.ipv4.ip_forward=0")],
    ["nobody answers for neighbours", inRouter(() => `sysctl -q -w net.ipv4.conf.${bridge()}.proxy_arp_pvlan=0`)],
    ["the way out is down", inRouter(() => "ip link set tap0 down")],
    ["the way out has no address", inRouter(() => "ip address flush dev tap0")],
    ["the way out has no route", inRouter(() => "ip route delete default")],
    ["the way out is gone", inRouter(() => "ip link delete tap0")],
    ["the rules are gone", inRouter(() => "nft flush ruleset")],
    ["a rule is gone", inRouter(() => "nft flush chain inet kafkalab internet-in")],
    ["an address is missing in a rule", inRouter(() => "nft flush set inet kafkalab public-hosts")],
    ["somebody's own rules are there", inRouter(() => "nft 'add table inet own; add chain inet own c { type filter hook forward priority 0; policy drop; }'")],
    ["the resolver's names are others", inRouter(() => `sed -i d /run/kafkalab/${net.vpc.id}/hosts && pkill --full --signal HUP '^dnsmasq .*${net.vpc.id}'`)],
    ["the resolver does not run", inRouter(() => daemon("dnsmasq"))],
    ["the mirror does not run", inRouter(() => daemon("busybox"))],
    ["the way out does not run", inRouter(() => daemon("slirp4netns"))],
  ])("%s", async (_, lose) => {
    const running = [a, b].map((host) => hostInit(host.id));
    await lose();
    await mend();
    expect(await plugin.diff(net.vpc)).toMatchObject({ changes: false });
    for (const host of [a, b]) expect(await plugin.diff(host)).toMatchObject({ changes: false });
    await works();
    expect([a, b].map((host) => hostInit(host.id))).toEqual(running);
  }); // prettier-ignore
});

test("a host that comes or goes takes nobody else's way", async () => {
  const reach = () => tryHostShell(a.id, "timeout 3 bash -c '</dev/tcp/b.foo.test/22'");
  expect(await reach()).toMatchObject({ status: 0 });
  const c = await plugin.create(T.instance, "c", a.inputs);
  // The lowest one on the bridge, which such a bridge takes for its own unless it has one.
  await must(["ip", "-n", router(), "link", "set", port(c), "address", "02:00:00:00:00:01"]);
  expect(await reach()).toMatchObject({ status: 0 });
  await booted(c.id, textOf(c, "privateIp"));
  await plugin.delete(c);
  expect(await reach()).toMatchObject({ status: 0 });
});

test("a process that has found the network whole sees what is lost since", async () => {
  expect(await plugin.diff(net.vpc)).toMatchObject({ changes: false });
  const second = await cloud.plugin("second");
  expect(await second.diff(net.vpc)).toMatchObject({ changes: false });
  await machine.shell(`ip link set ${outer()} down`);
  await mend(second);
  expect(await plugin.diff(net.vpc)).toMatchObject({ changes: false });
  await second.stop();
  await works();
});

describe("no connection for a host leaves the machine", () => {
  const unreachable = async () => {
    const { status, output } = await dial(textOf(a, "publicIp"));
    expect(output).toContain("No route to host");
    expect(status).toBe(1);
    expect(await machine.left()).toBe(0);
  };

  test.each([
    ["while its link is gone", () => `ip link delete ${outer()}`],
    ["while its link is down", () => `ip link set ${outer()} down`],
    ["while its route is gone", () => `ip route delete ${blockOf(a)} dev ${outer()}`],
  ])("%s", async (_, lose) => {
    await machine.must("bash", "-c", lose());
    await unreachable();
    await mend();
    await works();
  });

  test("after a restart of the machine, from the start of the plugin on", async () => {
    await machine.must("bash", "-c", `ip route delete unreachable ${blockOf(a)}`);
    await machine.must("bash", "-c", `ip link delete ${outer()}`);
    // A plain `pulumi up` starts the plugin first, and nothing else.
    const next = await cloud.plugin("next");
    await unreachable();
    await mend(next);
    await next.stop();
    await works();
  });

  test("and others do", async () => {
    const [, second = ""] = blockOf(a).split(".");
    await dial(`198.${second === "18" ? 19 : 18}.200.10`);
    expect(await machine.left()).toBeGreaterThan(0);
  });
});

test("with the last VPC goes what it had on the machine", async () => {
  const routes = () => machine.must("ip", "-4", "route", "show", "table", "all");
  const other = await plugin.create(T.vpc, "other", { cidrBlock: "10.78.0.0/16" });
  expect([...(await routes()).matchAll(/^unreachable 198\./gm)]).toHaveLength(2);
  await plugin.delete(other);
  expect([...(await routes()).matchAll(/^unreachable 198\./gm)]).toHaveLength(1);
  await cloud.destroy();
  expect(await routes()).not.toMatch(/198\.1[89]\.|kl-/);
});
