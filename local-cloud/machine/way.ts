import { once } from "node:events";
import { connect } from "node:net";
import { endsOf } from "./blocks";
import { TRIAL_PORT } from "./firewall";
import { inRouter, outerLink } from "./links";
import { chainsThatDrop, remedyFor, type Hook } from "./machine-firewall";
import type { VpcModel } from "./model";
import { CommandError, run } from "../../shared/process";

/*
 * Checks whether the machine can connect to a VPC. The local cloud changes no firewall of the machine, so
 * a firewall that drops unknown traffic blocks all hosts. Without this check, the user would notice only
 * after minutes of failed connection attempts.
 */

const PATIENCE_MS = 2_000;

/** Whether the machine can open a connection to the VPC's router. */
export async function wayIsOpen(vpc: VpcModel): Promise<boolean> {
  return (await tryOnce(vpc, PATIENCE_MS / 2)) === undefined;
}

/**
 * Tests the connection from the machine to the VPC's router.
 *
 * @throws Error with the test, its result, the probable cause, and the remedy.
 */
export async function requireWay(vpc: VpcModel): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  // The router's mirror answers. It may have started just now.
  let seen: string | undefined;
  do {
    seen = await tryOnce(vpc, deadline - Date.now());
    if (seen === undefined) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  } while (Date.now() < deadline);
  throw new Error(await explain(vpc, seen));
}

/** Opens one connection to the router. Returns the error, if any. */
async function tryOnce(vpc: VpcModel, timeoutMs: number): Promise<string | undefined> {
  const { router } = endsOf(vpc.slot);
  const other = await otherWay(vpc);
  if (other !== undefined) {
    return other;
  }
  const socket = connect({ host: router, port: TRIAL_PORT });
  try {
    await once(socket, "connect", { signal: AbortSignal.timeout(Math.max(timeoutMs, 1)) });
    return undefined;
  } catch (error) {
    const { code, name } = error as NodeJS.ErrnoException;
    return code === undefined || name === "AbortError" ? NO_ANSWER : code;
  } finally {
    socket.on("error", () => undefined).destroy();
  }
}

const NO_ANSWER = "no answer";

/** Returns an explanation if the machine would not use the VPC's link, for example because of a VPN. */
async function otherWay(vpc: VpcModel): Promise<string | undefined> {
  const argv = ["ip", "-json", "-4", "route", "get", endsOf(vpc.slot).router];
  try {
    const [route] = JSON.parse(await run(argv)) as { dev: string; table?: string }[];
    if (route?.dev === outerLink(vpc.id)) {
      return undefined;
    }
    const table = route?.table === undefined ? "" : ` (table ${route.table})`;
    return `the machine's routes lead to ${route?.dev}${table}`;
  } catch (error) {
    if (error instanceof CommandError) {
      return `the machine has no route: ${error.stderr.trim()}`;
    }
    throw error;
  }
}

async function explain(vpc: VpcModel, seen: string): Promise<string> {
  const { machine, router } = endsOf(vpc.slot);
  const link = outerLink(vpc.id);
  const tried = `This machine cannot connect to the VPC ${vpc.id} through its link ${link}, from ${machine} to ${router}, TCP port ${TRIAL_PORT}. Seen within ${PATIENCE_MS / 1000}s: ${seen}.`;
  if ((await otherWay(vpc)) !== undefined) {
    return `${tried}\nSomething else on this machine, such as a VPN, routes the lab's addresses ("ip rule" and "ip route" show it). Exclude 198.18.0.0/15 from it, and run "npm run up" again.`;
  }
  const before = await arrivals(vpc.id);
  await tryOnce(vpc, PATIENCE_MS / 2);
  const arrived = (await arrivals(vpc.id)) > before;
  if (arrived && seen !== NO_ANSWER) {
    return `${tried}\nThe connection arrived, so no firewall is in the way; the router's own service does not answer. Its log: /run/kafkalab/${vpc.id}/mirror.log`;
  }
  const hook: Hook = arrived ? "input" : "output";
  const where = arrived
    ? "The packet arrived and the answer did not come back: a firewall on this machine blocks incoming packets on that link."
    : "The packet did not arrive: a firewall on this machine blocks outgoing packets on that link.";
  const chains = await chainsThatDrop(hook);
  const rules = [...new Set(chains.flatMap((chain) => remedyFor(chain, hook)))];
  return [
    tried,
    where,
    ...chains.map(({ where, why }) => `Found: ${where}, ${why}.`),
    ...(rules.length
      ? ['Allow the lab\'s links (all are called kl-…) there, and run "npm run up" again:']
      : [
          `No chain of nftables or iptables with the hook ${hook} explains it; look for another kind of firewall. Allow interfaces called kl-… there, and run "npm run up" again.`,
        ]),
    ...rules.map((rule) => `  ${rule}`),
    ...(chains.some(({ tool }) => tool !== "ufw") // ufw keeps its rules
      ? ["The firewall forgets a rule at its next start, unless you add it to its configuration."]
      : []),
  ].join("\n");
}

/** The number of test packets that arrived at the router. */
async function arrivals(vpcId: string): Promise<number> {
  const list = ["nft", "--json", "list", "chain", "inet", "kafkalab", "internet-in"];
  const text = await run([...inRouter(vpcId), ...list]);
  const { nftables } = JSON.parse(text) as {
    nftables: { rule?: { expr: { counter?: { packets: number } }[] } }[];
  };
  return nftables
    .flatMap(({ rule }) => rule?.expr ?? [])
    .reduce((sum, { counter }) => sum + (counter?.packets ?? 0), 0);
}
