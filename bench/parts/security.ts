import { join } from "node:path";
import { securityOf, securityOutput } from "../../cli/clients/security";
import { listenerPort } from "../../components/lib/kafka-listeners";
import {
  isSecure,
  modesOf,
  type Security,
  SECURITY_MODES,
  type SecurityMode,
} from "../../components/lib/kafka-security";
import { CLIENT_FILES, putClientFiles } from "../kafka/client-files";
import { BROKERS, CLIENTS, type Load, loadScript, onHost } from "../kafka/load";
import { caseName, rate, readLoad, type Case } from "../kafka/perf-output";
import { DESTROY, enter, npmRun, pulumi, removeLab, removeStack, UP, writeConfig } from "../lab";
import type { Context, Part, Samples } from "../part";
import type { Environment } from "../run";
import { type Estimate, estimateRatio, geometricMeans, median, pairedRatios } from "../statistics";
import { number, table } from "../tables";

const USER = "bench";
const SECURED = ["tls", "sasl"] as const;
type Secured = (typeof SECURED)[number];

const CASES: Case[] = [100, 1024].map((size) => ({ size, acks: "all", producers: 1 }));
/** The number of pairs in each round. It is even, so that each mode is the first one equally often. */
const PAIRS = 4;
const TRIAL_PAIRS = 2;

const METRICS = ["produced", "consumed"] as const;
type Metric = (typeof METRICS)[number];

/** Compares the modes of `kafkalab:security`. */
export const security: Part = {
  name: "security",
  title: "The cost of security",
  description:
    "By how much `kafkalab:security` lowers the rates of `kafka-producer-perf-test` and `kafka-consumer-perf-test`, in per cent of the rate in plaintext. Both run on the host of the first broker, with `acks=all`, one producer and one consumer, in topics with 6 partitions and 3 replicas. The first table isolates the clients' connections: one lab, with `security: {from: plaintext, to: tls}` (or `to: sasl`), serves both modes at the same time. Pairs of measurements use the one and then the other, in alternating order and without a restart in between. In such a lab brokers replicate over TLS and ask the authorizer whichever mode the client has; clients in plaintext are super users there. The second table shows the whole cost: it compares labs that have only one mode. Replication over TLS and the authorizer are then part of tls and sasl, and not of plaintext. Every lab is new and is warmed up. All hosts share the processors of one machine, so both ends of each connection encrypt on the same processors. Connections are new in each measurement, so their handshakes are part of the cost.",
  measure,
  remove: removeLab,
  report,
};

async function measure(context: Context): Promise<void> {
  const env = await enter();
  for (let round = 0; round < context.rounds; round++) {
    // The order rotates, so that no mode always profits from the caches of another.
    for (const mode of inTurn(SECURED, round)) {
      const both: Security = { from: "plaintext", to: mode };
      await inNewLab(context, env, both, () => measurePairs(context, both, round));
    }
    for (const mode of inTurn(SECURITY_MODES, round)) {
      const only: Security = { from: mode, to: mode };
      await inNewLab(context, env, only, () =>
        measureMode(context, only, mode, { cases: CASES, warmsUp: true }),
      );
    }
    context.say(`round ${round + 1} of ${context.rounds} done`);
  }
}

/** Measures both modes of a lab in turn, case by case, so that the two values of a pair are close in time. */
async function measurePairs(context: Context, both: Security, round: number): Promise<void> {
  const modes = modesOf(both);
  for (const mode of modes) {
    await measureMode(context, both, mode, { cases: [], warmsUp: true });
  }
  for (let pair = 0; pair < (context.isTrial ? TRIAL_PAIRS : PAIRS); pair++) {
    for (const one of CASES) {
      for (const mode of inTurn(modes, round + pair)) {
        await measureMode(context, both, mode, { cases: [one], warmsUp: false });
      }
    }
  }
}

/** Measures cases as a client of one of the lab's modes. */
async function measureMode(
  { note, isTrial }: Context,
  lab: Security,
  mode: SecurityMode,
  { cases, warmsUp }: Pick<Load, "cases" | "warmsUp">,
): Promise<void> {
  const script = loadScript({
    ...{ bootstrap: bootstrapOf(mode), cases, warmsUp, isTrial },
    ...(mode !== "plaintext" && { clientFiles: CLIENT_FILES }),
  });
  for (const measured of readLoad(await onHost(CLIENTS, script), cases)) {
    const row = (metric: Metric) => rowOf(lab, mode, { one: measured, metric });
    note(row("produced"), measured.recordsPerSecond, "records/s");
    note(row("consumed"), measured.consumedPerSecond, "records/s");
  }
}

const bootstrapOf = (mode: SecurityMode) =>
  BROKERS.map((name) => `${name}:${listenerPort("inside", mode)}`).join(",");

/** Creates a lab in which the bench's user can connect, and removes it afterwards. */
async function inNewLab(
  { directory, say }: Context,
  env: Environment,
  lab: Security,
  runLoads: () => Promise<void>,
): Promise<void> {
  say(`new lab: ${modesOf(lab).join(" and ")}`);
  const config = writeConfig(join(directory, "security.yaml"), settingsOf(lab));
  await pulumi(env, "stack", "init", "local");
  await pulumi(env, ...UP, "--config-file", config);
  await npmRun("ssh-config");
  if (lab.to !== "plaintext") {
    await putClientFiles(CLIENTS, await accessOf(env, lab.to));
  }
  await runLoads();
  await pulumi(env, ...DESTROY);
  await removeStack(env);
}

/** The settings of a lab that differ from those of the local stack. */
export function settingsOf(lab: Security): Record<string, unknown> {
  const may = (acl: object) => ({ user: USER, operations: ["all"], ...acl });
  return {
    "kafkalab:security": lab.from === lab.to ? lab.to : lab,
    ...(isSecure(lab) && {
      "kafkalab:users": [USER],
      "kafkalab:acls": [
        may({ resource: "topic", prefix: "kafkalab-bench-" }),
        // The group of kafka-consumer-perf-test: this prefix and a random number.
        may({ resource: "group", prefix: "perf-consumer-" }),
      ],
    }),
  };
}

/** How the bench's user connects to a lab. */
async function accessOf(env: Environment, mode: Secured) {
  const options = ["--stack", "local", "--json", "--show-secrets"];
  const { stdout } = await pulumi(env, "stack", "output", "clientSecurity", ...options);
  const access = securityOf(securityOutput.parse(JSON.parse(stdout)), "local", USER);
  if (access.protocol === "PLAINTEXT") {
    throw new Error(`a lab in ${mode} must have secured listeners; got ${access.protocol}`);
  }
  return { ...access, bootstrapServers: bootstrapOf(mode) };
}

/** The values, the one with this index first. */
const inTurn = <T>(values: readonly T[], index: number): T[] => {
  const first = index % values.length;
  return [...values.slice(first), ...values.slice(0, first)];
};

const rowOf = (lab: Security, mode: SecurityMode, { one, metric }: RateRow) =>
  `${modesOf(lab).join("+")} lab, ${mode} ${caseName(one)} ${metric}`;

/** A mode that is compared with plaintext, and the lab of each side. */
interface Comparison {
  mode: Secured;
  plaintext: Security;
  secured: Security;
}

/** A row of the samples, without its lab and its mode. */
interface RateRow {
  one: Case;
  metric: Metric;
}

function report(samples: Samples): string {
  const clients = SECURED.map((mode): Comparison => {
    const both: Security = { from: "plaintext", to: mode };
    return { mode, plaintext: both, secured: both };
  });
  const whole = SECURED.map((mode): Comparison => {
    const only = (one: SecurityMode): Security => ({ from: one, to: one });
    return { mode, plaintext: only("plaintext"), secured: only(mode) };
  });
  return [
    "The clients' connections alone, in pairs on the same lab:\n",
    costTable(samples, clients),
    "The whole cost, in pairs of labs:\n",
    costTable(samples, whole),
    "Rates are medians. A cost is 1 − the geometric mean of the paired ratios. In parentheses is its 95 % interval, by Student's t distribution of the ratios' logarithms; a negative cost means a higher rate. A row for all sizes has the geometric means of the sizes.\n",
  ].join("\n");
}

function costTable(samples: Samples, comparisons: Comparison[]): string {
  const row = (comparison: Comparison, label: string, cases: Case[]) => [
    `${comparison.mode}, ${label}`,
    ...METRICS.flatMap((metric) => [
      ...ratesOf(samples, comparison, metric, cases),
      costText(costOf(samples, comparison, metric, cases)),
    ]),
    String(costOf(samples, comparison, "consumed", cases).n),
  ];
  return table(
    [
      "mode, record",
      ...METRICS.flatMap((metric) => [`${metric} in plaintext`, `${metric} in the mode`, "cost"]),
      "pairs",
    ],
    comparisons.flatMap((comparison) => [
      row(comparison, "all sizes", CASES),
      ...CASES.map((one) => row(comparison, `${one.size} B`, [one])),
    ]),
  );
}

/** The rates of both sides of a comparison. */
function sidesOf(samples: Samples, { mode, plaintext, secured }: Comparison, row: RateRow) {
  return {
    inPlaintext: samples[rowOf(plaintext, "plaintext", row)],
    inMode: samples[rowOf(secured, mode, row)],
  };
}

/** The medians of both sides. A row for several cases has none: their rates differ too much. */
function ratesOf(samples: Samples, comparison: Comparison, metric: Metric, cases: Case[]) {
  const [one, ...others] = cases;
  if (one === undefined || others.length > 0) {
    return ["", ""];
  }
  const { inPlaintext, inMode } = sidesOf(samples, comparison, { one, metric });
  return [rate(median(inPlaintext), one), rate(median(inMode), one)];
}

function costOf(samples: Samples, comparison: Comparison, metric: Metric, cases: Case[]): Estimate {
  const ratios = cases.map((one) => {
    const { inPlaintext, inMode } = sidesOf(samples, comparison, { one, metric });
    return pairedRatios(inMode, inPlaintext);
  });
  return estimateRatio(geometricMeans(ratios));
}

/** Formats how much lower a rate is, in per cent. */
function costText({ mean, low, high, n }: Estimate): string {
  const cost = (ratio: number) => number(100 * (1 - ratio));
  const interval = n < 2 ? "no interval" : `${cost(high)} to ${cost(low)}`;
  return n === 0 ? "not measured" : `${cost(mean)} % (${interval})`;
}
