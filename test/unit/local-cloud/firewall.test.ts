import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { ruleset } from "../../../local-cloud/machine/firewall";
import type { RuleModel } from "../../../local-cloud/machine/model";
import { vpc } from "./model";

/** The lines between the braces of a chain, a set or a map. */
function block(text: string, head: string): string[] {
  const start = text.indexOf(`  ${head} {\n`);
  expect(start, `${head} in ${text}`).toBeGreaterThan(0);
  const inner = text.slice(text.indexOf("\n", start), text.indexOf("\n  }", start));
  return inner.split("\n").map((line) => line.trim()).filter(Boolean);
} // prettier-ignore

describe("the ruleset", () => {
  const text = ruleset(vpc());

  test("has each group's members, and none for a group without", () => {
    expect(block(text, "set sg-0zk")).toEqual([
      "type ipv4_addr",
      "elements = { 10.0.1.11, 10.0.1.12 }",
    ]);
    expect(block(text, "set sg-0empty")).toEqual(["type ipv4_addr"]);
  });

  test("lets into a host what one of its groups lets in, and drops the rest", () => {
    expect(block(text, "chain i-0b-ingress")).toEqual([
      "jump sg-0kafka-ingress",
      "jump sg-0zk-ingress",
      "drop",
    ]);
    expect(block(text, "chain sg-0zk-ingress")).toEqual([]);
    expect(block(text, "map ingress-of")[1]).toBe(
      "elements = { 10.0.1.11 : jump i-0a-ingress, 10.0.1.12 : jump i-0b-ingress }",
    );
  });

  test("lets a packet out of a host before it looks whether the other one takes it", () => {
    expect(block(text, "chain sg-0zk-egress")).toEqual(["ip daddr 0.0.0.0/0  goto to-host"]);
  });

  test("translates public addresses, and lets their hosts out to the internet", () => {
    expect(block(text, "map private-of")[1]).toBe("elements = { 198.18.0.10 : 10.0.1.11 }");
    expect(block(text, "set public-hosts")[1]).toBe("elements = { 10.0.1.11 }");
  });

  test("lets hosts behind NAT out to the internet alone, and others not at all", () => {
    expect(block(text, "set nat-hosts")[1]).toBe("elements = { 10.0.1.12 }");
    expect(block(text, "chain to-host").slice(0, -1)).toEqual([
      'oifname "tap0" ip saddr @public-hosts accept',
      'oifname "tap0" ip saddr @nat-hosts accept',
      'oifname "br-*" ip daddr vmap @ingress-of',
    ]);
    const hosts = vpc().hosts.map((host) => ({ ...host, behindNat: false }));
    expect(block(ruleset(vpc({ hosts })), "set nat-hosts")).toEqual(["type ipv4_addr"]);
  });

  test("lets nobody in from the machine but by a public address", () => {
    expect(block(text, "chain forward").filter((line) => line.includes("uplink"))).toEqual([
      'iifname "uplink" ct status dnat ip daddr vmap @ingress-of',
    ]);
  });

  test("lets a host send from its own addresses only", () => {
    expect(block(text, "set addresses")).toEqual([
      "type ifname . ether_addr . ipv4_addr",
      'elements = { "p-0a" . 0a:00:00:00:00:01 . 10.0.1.11, "p-0b" . 0a:00:00:00:00:02 . 10.0.1.12 }',
    ]);
  });

  test("of the same VPC is the same text", () => {
    expect(ruleset(vpc())).toBe(text);
  });
});

test.each<[Partial<RuleModel>, string]>([
  [{ protocol: "-1", cidr: "10.0.0.0/8" }, "ip saddr 10.0.0.0/8  accept"],
  [{ protocol: "tcp", fromPort: 22, toPort: 22, cidr: "0.0.0.0/0" }, "ip saddr 0.0.0.0/0 tcp dport 22-22 accept"],
  [{ protocol: "udp", fromPort: 1, toPort: 9, peerGroupId: "sg-0zk" }, "ip saddr @sg-0zk udp dport 1-9 accept"],
  [{ protocol: "icmp", fromPort: -1, toPort: -1, cidr: "0.0.0.0/0" }, "ip saddr 0.0.0.0/0 ip protocol icmp accept"],
  [{ protocol: "icmp", fromPort: 8, toPort: -1, cidr: "0.0.0.0/0" }, "ip saddr 0.0.0.0/0 icmp type 8 accept"],
  [{ protocol: "icmp", fromPort: 3, toPort: 4, cidr: "0.0.0.0/0" }, "ip saddr 0.0.0.0/0 icmp type 3 icmp code 4 accept"],
])("the rule %j", (rule, line) => {
  const rules: RuleModel[] = [{ direction: "ingress", protocol: "-1", ...rule }];
  const text = ruleset(vpc({ groups: [{ id: "sg-0zk", rules }, { id: "sg-0kafka", rules: [] }] }));
  expect(block(text, "chain sg-0zk-ingress")).toEqual([line]);
}); // prettier-ignore

test.runIf(process.getuid?.() === 0)("nftables takes it, be the VPC full or empty", () => {
  const empty = vpc({ hosts: [], groups: [], subnets: [] });
  for (const model of [vpc(), vpc({ groups: vpc().groups.reverse() }), empty]) {
    const { stderr, status } = spawnSync("nft", ["--check", "-f", "-"], { input: ruleset(model) });
    expect(`${status} ${String(stderr)}`).toBe("0 ");
  }
});
