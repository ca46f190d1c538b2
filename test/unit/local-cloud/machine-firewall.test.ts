import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import {
  type Chain,
  droppingChains,
  type Hook,
  legacyChain,
  type NftRuleset,
  remedyFor,
} from "../../../local-cloud/machine/machine-firewall";

/** A ruleset as nftables lists it, out of the text that a user writes. */
function listed(text: string): NftRuleset {
  const script = "nft -f - && nft --json list ruleset";
  const input = text.replaceAll("}", "}\n");
  const { stdout, stderr } = spawnSync("unshare", ["--net", "sh", "-c", script], { input });
  expect(String(stderr)).toBe("");
  return JSON.parse(String(stdout)) as NftRuleset;
}

const base = (hook: Hook, policy = "accept") =>
  `type filter hook ${hook} priority filter; policy ${policy};`;
const OPEN_PORTS = "tcp dport 80 accept\n udp dport 53 accept";

const nft = (name: string, why: string, table = "filter"): Partial<Chain> => ({
  ...{ tool: "nft", family: "inet", table, name, why },
  where: `the chain ${name} of the nftables table "inet ${table}"`,
});
const iptables = (name: string, why: string): Partial<Chain> => ({
  ...{ tool: "iptables", family: "ip", table: "filter", name, why },
  where: `the chain ${name} of iptables`,
});

describe.runIf(process.getuid?.() === 0)("the chain that stops packets is", () => {
  test.each<[string, Hook, string, Partial<Chain>[]]>([
    ["none", "output", "", []],
    ["none that only accepts", "output", `table inet filter { chain output { ${base("output")}\n ${OPEN_PORTS}\n } }`, []],
    ["the one with the policy drop", "output", `table inet filter { chain out { ${base("output", "drop")}\n ${OPEN_PORTS}\n } }`, [nft("out", "policy drop")]],
    ["the one of its hook", "input", `table inet filter { chain out { ${base("output", "drop")}\n }\n chain in { ${base("input", "drop")}\n } }`, [nft("in", "policy drop")]],
    ["the one that ends with drop", "output", `table inet filter { chain out { ${base("output")}\n ${OPEN_PORTS}\n counter log drop\n } }`, [nft("out", "which ends with drop")]],
    ["the one that ends with reject", "output", `table inet filter { chain out { ${base("output")}\n reject with icmpx admin-prohibited\n } }`, [nft("out", "which ends with reject")]],
    ["the one that leads to such an end", "output", `table inet filter { chain end { reject\n }\n chain out { ${base("output")}\n ${OPEN_PORTS}\n jump end\n } }`, [nft("out", "which ends with reject (in end)")]],
    ["each of several", "output", `table inet a { chain x { ${base("output", "drop")}\n } }\n table inet b { chain y { ${base("output", "drop")}\n } }`, [nft("x", "policy drop", "a"), nft("y", "policy drop", "b")]],
    ["the certain one, not the possible one", "output", `table inet a { chain x { ${base("output")}\n oifname "eth0" drop\n } }\n table inet b { chain y { ${base("output", "drop")}\n } }`, [nft("y", "policy drop", "b")]],
    ["the possible one, if none is certain", "output", `table inet a { chain x { ${base("output")}\n ip daddr 198.18.0.0/15 drop\n } }`, [nft("x", "which has rules with drop", "a")]],
    ["not one of IPv6 alone", "output", `table ip6 a { chain x { ${base("output", "drop")}\n } }`, []],
    ["not one that forwards", "output", `table inet a { chain x { type filter hook forward priority filter; policy drop;\n } }`, []],
    ["one in a circle", "output", `table inet a { chain x { ${base("output")}\n ct state new jump y\n drop\n }\n chain y { ip daddr 10.0.0.1 jump z\n }\n chain z { accept\n } }`, [nft("x", "which ends with drop", "a")]],
    ["iptables' with its policy", "output", `table ip filter { chain OUTPUT { ${base("output", "drop")}\n } }`, [iptables("OUTPUT", "policy drop")]],
    ["ufw's", "output", `table ip filter { chain ufw-user-output { }\n chain OUTPUT { ${base("output", "drop")}\n jump ufw-user-output\n } }`, [{ tool: "ufw", name: "OUTPUT", where: "ufw, in the chain OUTPUT of iptables" }]],
    ["firewalld's, by its policy", "output", `table inet firewalld { chain filter_OUT_policy_work_allow { tcp dport 80 accept\n }\n chain filter_OUT_policy_work { jump filter_OUT_policy_work_allow\n drop\n }\n chain filter_OUTPUT_POLICIES { jump filter_OUT_policy_work\n }\n chain filter_OUTPUT { ${base("output")}\n ct state established accept\n jump filter_OUTPUT_POLICIES\n } }`, [{ tool: "firewalld", policies: ["work"], where: "firewalld, in the chain filter_OUT_policy_work" }]],
  ])("%s (%s)", (_, hook, text, chains) => {
    const found = droppingChains(listed(text), hook);
    expect(found).toHaveLength(chains.length);
    expect(found).toMatchObject(chains);
  }); // prettier-ignore
});

test.each([
  ["of iptables-nft", { type: "target", name: "REJECT" }, "which ends with reject"],
  ["of iptables-nft, as an older nft lists it", null, "which ends with reject"],
  ["of iptables-nft that only logs", { type: "target", name: "LOG" }, undefined],
])("a target %s", (_, xt, why) => {
  const chain = { family: "ip", table: "filter", name: "OUTPUT", hook: "output", policy: "accept" };
  const rule = { family: "ip", table: "filter", chain: "OUTPUT", expr: [{ counter: {} }, { xt }] };
  const found = droppingChains({ nftables: [{ chain }, { rule }] }, "output");
  expect(found.map((each) => each.why)).toEqual(why === undefined ? [] : [why]);
});

test.each<[string, Hook, string | undefined]>([
  ["-P INPUT ACCEPT\n-P OUTPUT ACCEPT\n-A OUTPUT -o lo -j ACCEPT\n", "output", undefined],
  ["-P OUTPUT DROP\n", "output", "policy drop"],
  ["-P OUTPUT DROP\n", "input", undefined],
  ["-P OUTPUT ACCEPT\n-A OUTPUT -j DROP\n", "output", "which ends with drop"],
  ["-P OUTPUT ACCEPT\n-A OUTPUT -j REJECT --reject-with tcp-reset\n", "output", "which ends with reject"],
  ["-P OUTPUT ACCEPT\n-A OUTPUT -p tcp -j REJECT --reject-with x\n", "output", "which has rules with reject"],
  ["-P OUTPUT ACCEPT\n-N OUT\n-A OUTPUT -j OUT\n-A OUT -p tcp -j DROP\n", "output", "which has rules with drop"],
  ["-P OUTPUT ACCEPT\n-A INPUT -p tcp -j DROP\n", "output", undefined],
])("iptables-legacy: %j at %s", (listed, hook, why) => {
  expect(legacyChain(listed, hook).map((chain) => chain.why)).toEqual(why ? [why] : []);
}); // prettier-ignore

test("ufw on iptables-legacy is ufw", () => {
  const listed = "-P OUTPUT DROP\n-N ufw-user-output\n-A OUTPUT -j ufw-user-output\n";
  expect(legacyChain(listed, "output")).toMatchObject([{ tool: "ufw", name: "OUTPUT" }]);
});

test.each<[Partial<Chain>, Hook, string]>([
  [{ tool: "nft" }, "output", 'nft insert rule inet filter out oifname "kl-*" accept'],
  [{ tool: "nft" }, "input", 'nft insert rule inet filter out iifname "kl-*" accept'],
  [{ tool: "iptables", name: "OUTPUT" }, "output", "iptables -I OUTPUT -o kl-+ -j ACCEPT"],
  [{ tool: "iptables-legacy", name: "INPUT" }, "input", "iptables-legacy -I INPUT -i kl-+ -j ACCEPT"],
  [{ tool: "ufw" }, "output", "ufw allow out on kl-+"],
  [{ tool: "ufw" }, "input", "ufw allow in on kl-+"],
  [{ tool: "firewalld", policies: ["work"] }, "output", "firewall-cmd --policy=work --add-rich-rule='rule family=ipv4 destination address=198.18.0.0/15 accept'"],
  [{ tool: "firewalld" }, "input", "firewall-cmd --zone=trusted --add-source=198.18.0.0/15"],
])("the rule for %j at %s", (chain, hook, rule) => {
  const common = { family: "inet", table: "filter", name: "out", policies: [], where: "", why: "" };
  expect(remedyFor({ ...common, tool: "nft", ...chain }, hook)).toEqual([rule]);
}); // prettier-ignore
