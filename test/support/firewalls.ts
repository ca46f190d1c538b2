/*
 * Firewalls that a machine may have, as tables of nftables.
 */

export type Hook = "input" | "output";

/** How a chain says no to what it does not know. */
export const ENDS = {
  "policy drop": ["drop", ""],
  drop: ["accept", "counter drop"],
  reject: ["accept", "reject"],
  "reject with a reset": ["accept", "meta l4proto tcp reject with tcp reset\n    drop"],
} as const;
export type End = keyof typeof ENDS;

export interface Style {
  table: string;
  /** The name of the chain for a hook. */
  chain: (hook: Hook) => string;
  /** Further chains of the table. */
  more: string;
  /** The rule that the local cloud must name. */
  remedy: (hook: Hook) => string;
}

const nftRule = (table: string, chain: string, hook: Hook) =>
  `nft insert rule ${table} ${chain} ${hook === "output" ? "oifname" : "iifname"} "kl-*" accept`;
const upper = (hook: Hook) => hook.toUpperCase();

/** Whose firewall it is. */
export const STYLES: Readonly<{ [name: string]: Style }> = {
  "nftables, inet": {
    ...{ table: "inet filter", chain: (hook) => hook, more: "" },
    remedy: (hook) => nftRule("inet filter", hook, hook),
  },
  "nftables, ip": {
    ...{ table: "ip mine", chain: (hook) => `my-${hook}`, more: "" },
    remedy: (hook) => nftRule("ip mine", `my-${hook}`, hook),
  },
  iptables: {
    ...{ table: "ip filter", chain: upper, more: "" },
    remedy: (hook) =>
      `iptables -I ${upper(hook)} ${hook === "output" ? "-o" : "-i"} kl-+ -j ACCEPT`,
  },
  ufw: {
    ...{ table: "ip filter", chain: upper, more: "chain ufw-user-output {\n  }" },
    remedy: (hook) => `ufw allow ${hook === "output" ? "out" : "in"} on kl-+`,
  },
};

/** What a rule does that somebody adds by hand; iptables and ufw would add the same. */
export const openWith = ({ table, chain }: Style, hook: Hook) => nftRule(table, chain(hook), hook);

/** A firewall with a chain at each of these hooks. */
export function firewall(
  { table, chain, more }: Style,
  hooks: { [hook in Hook | "forward"]?: { end: End; established?: boolean } },
): string {
  const chains = Object.entries(hooks).map(([hook, { end, established }]) => {
    const [policy, last] = ENDS[end];
    return `  chain ${hook === "forward" ? "forwarding" : chain(hook as Hook)} {
    type filter hook ${hook} priority filter; policy ${policy};
    ${established ? "ct state established,related accept" : ""}
    ${hook === "output" ? "meta l4proto { tcp, udp } th dport { 53, 80, 443 } accept" : ""}
    ${hook === "forward" ? "" : `${hook === "output" ? "oifname" : "iifname"} "lo" accept`}
    ${last}
  }`;
  });
  return `table ${table} {\n  ${more}\n${chains.join("\n")}\n}`;
}
