import { existsSync, readFileSync } from "node:fs";
import { run } from "../../shared/process";

/*
 * Finds the chains of the machine's own firewall that block packets, and rules that would allow them.
 * Changes nothing. It cannot evaluate every rule, so it returns the chains that block by default. If there
 * are none, it returns the chains with any blocking rule.
 */

export type Hook = "input" | "output";

/** A base chain that drops or rejects packets, in the terms of the user's firewall tool. */
export interface Chain {
  tool: "nft" | "iptables" | "iptables-legacy" | "ufw" | "firewalld";
  family: string;
  table: string;
  name: string;
  /** The firewalld policies that drop or reject packets. */
  policies: string[];
  /** For example `the chain output of the nftables table "inet filter"`. */
  where: string;
  /** For example `policy drop`. */
  why: string;
}

type Expression = Readonly<{ [kind: string]: unknown }>;

interface NftChain {
  family: string;
  table: string;
  name: string;
  hook?: string;
  policy?: string;
}

interface NftRule {
  family: string;
  table: string;
  chain: string;
  expr: Expression[];
}

/** A ruleset in the format of `nft --json`. */
export interface NftRuleset {
  nftables: { chain?: NftChain; rule?: NftRule }[];
}

/** The chains of the machine's firewall that block packets at the hook. */
export async function chainsThatDrop(hook: Hook): Promise<Chain[]> {
  const text = await run(["nft", "--json", "list", "ruleset"]).catch(() => '{"nftables":[]}');
  return [...droppingChains(JSON.parse(text) as NftRuleset, hook), ...(await legacyChains(hook))];
}

/**
 * The chains of an nftables ruleset that block packets at the hook: those that block by default, or
 * else those with any blocking rule.
 */
export function droppingChains({ nftables }: NftRuleset, hook: Hook): Chain[] {
  const chains = nftables.flatMap(({ chain }) => chain ?? []);
  const rules = nftables.flatMap(({ rule }) => rule ?? []);
  const bases = chains.filter((c) => c.hook === hook && ["ip", "inet"].includes(c.family));
  const found = bases.flatMap((chain) => {
    const stops = stopsOf(chain, rules);
    return stops === undefined ? [] : [{ ...stops, chain: describe(chain, stops, chains) }];
  });
  const certain = found.filter(({ always }) => always);
  return (certain.length ? certain : found).map(({ chain }) => chain);
}

interface Stops {
  why: string;
  /** Whether the chain blocks all packets that no rule accepts. */
  always: boolean;
  /** The chain that blocks them. */
  chain: string;
}

function stopsOf(base: NftChain, rules: NftRule[]): Stops | undefined {
  if (base.policy === "drop") {
    return { why: "policy drop", always: true, chain: base.name };
  }
  const visited = new Set<string>();
  const search = (name: string, always: boolean): Stops[] => {
    if (visited.has(name)) {return [];}
    visited.add(name);
    return rules
      .filter((r) => r.family === base.family && r.table === base.table && r.chain === name)
      .flatMap(({ expr }) => {
        const every = always && expr.every(decidesAlone);
        const target = expr.map(targetOf).find((t) => t !== undefined);
        if (target !== undefined) {return search(target, every);}
        const verdict = expr.map(verdictOf).find((v) => v !== undefined);
        if (verdict === undefined) {return [];}
        const why = every ? `which ends with ${verdict}` : `which has rules with ${verdict}`;
        return [{ why: name === base.name ? why : `${why} (in ${name})`, always: every, chain: name }];
      });
  }; // prettier-ignore
  const all = search(base.name, true);
  return all.find(({ always }) => always) ?? all[0];
}

const targetOf = (expression: Expression) =>
  ((expression["jump"] ?? expression["goto"]) as { target: string } | undefined)?.target;

function verdictOf(expression: Expression): "drop" | "reject" | undefined {
  if ("drop" in expression) {
    return "drop";
  }
  if ("reject" in expression) {
    return "reject";
  }
  // iptables-nft uses targets of iptables. Older releases of nft list them without a name.
  if ("xt" in expression) {
    const { name = "REJECT" } = (expression["xt"] ?? {}) as { name?: string };
    return { DROP: "drop", REJECT: "reject" }[name] as "drop" | "reject" | undefined;
  }
  return undefined;
}

/** Whether the expression matches every packet. */
const decidesAlone = (expression: Expression) =>
  ["counter", "log", "comment", "drop", "reject", "jump", "goto", "xt"].some(
    (kind) => kind in expression,
  );

function describe(base: NftChain, { why, chain }: Stops, chains: NftChain[]): Chain {
  const { family, table, name } = base;
  const siblings = chains.filter((c) => c.family === family && c.table === table);
  const common = { family, table, name, policies: [], why };
  const iptables = family === "ip" && table === "filter" && name === name.toUpperCase();
  if (iptables && siblings.some((c) => c.name.startsWith("ufw-"))) {
    return { ...common, tool: "ufw", where: `ufw, in the chain ${name} of iptables` };
  }
  if (iptables) {
    return { ...common, tool: "iptables", where: `the chain ${name} of iptables` };
  }
  if (table === "firewalld") {
    const policy = /^filter_OUT_policy_(.+?)(?:_(?:pre|log|deny|allow|post))?$/.exec(chain)?.[1];
    const policies = policy === undefined ? [] : [policy];
    return { ...common, tool: "firewalld", policies, where: `firewalld, in the chain ${chain}` };
  }
  const where = `the chain ${name} of the nftables table "${family} ${table}"`;
  return { ...common, tool: "nft", where };
}

/** The commands with which the user allows the links of labs in a chain. */
export function remedyFor({ tool, family, table, name, policies }: Chain, hook: Hook): string[] {
  const out = hook === "output";
  switch (tool) {
    case "nft": {
      const match = `${out ? "oifname" : "iifname"} "kl-*"`;
      return [`nft insert rule ${family} ${table} ${name} ${match} accept`];
    }
    case "iptables":
    case "iptables-legacy":
      return [`${tool} -I ${name} ${out ? "-o" : "-i"} kl-+ -j ACCEPT`];
    case "ufw":
      return [`ufw allow ${out ? "out" : "in"} on kl-+`];
    case "firewalld":
      return out
        ? (policies.length ? policies : ["POLICY"]).map(
            (policy) =>
              `firewall-cmd --policy=${policy} --add-rich-rule='rule family=ipv4 destination address=198.18.0.0/15 accept'`,
          )
        : [`firewall-cmd --zone=trusted --add-source=198.18.0.0/15`];
  }
}

/** The chains of the kernel's legacy iptables, which nftables does not show. */
async function legacyChains(hook: Hook): Promise<Chain[]> {
  const names = "/proc/net/ip_tables_names";
  const tables = existsSync(names) ? readFileSync(names, "utf8").split("\n") : [];
  if (!tables.includes("filter")) {
    return [];
  }
  return legacyChain(await run(["iptables-legacy", "-S"]).catch(() => ""), hook);
}

/** Reads the hook's chain from the output of `iptables -S`, if it blocks packets. */
export function legacyChain(listed: string, hook: Hook): Chain[] {
  const name = hook.toUpperCase();
  const verdictIn = (pattern: string) =>
    new RegExp(`^-A ${pattern} -j (DROP|REJECT)\\b`, "m").exec(listed)?.[1]?.toLowerCase();
  const last = verdictIn(name);
  const some = verdictIn(`(?!INPUT|OUTPUT|FORWARD)\\S+(?: .*)?`) ?? verdictIn(`${name} .*`);
  const why = listed.includes(`-P ${name} DROP`)
    ? "policy drop"
    : (last && `which ends with ${last}`) || (some && `which has rules with ${some}`);
  if (why === undefined || why === "") {
    return [];
  }
  const isUfw = /^-N ufw-/m.test(listed);
  return [
    {
      tool: isUfw ? "ufw" : "iptables-legacy",
      ...{ family: "ip", table: "filter", name, policies: [], why },
      where: `${isUfw ? "ufw, in " : ""}the chain ${name} of iptables-legacy`,
    },
  ];
}
