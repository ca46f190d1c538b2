import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { variables } from "../hosts";
import { bounded, BROKERS, CLIENTS, loadScript, onHost } from "../kafka/load";
import { caseName, rate, readLoad, type Case } from "../kafka/perf-output";
import { writePlainFiles } from "../kafka/plain-files";
import { enter, npmRun, removeLab, settings } from "../lab";
import type { Context, Part, Samples } from "../part";
import { geometricMean, median, ratio } from "../statistics";
import { goalTable, number, table } from "../tables";

const HERE = join(__dirname, "../kafka");
const PLAIN = "/var/lib/kafkalab-bench/plain";
const CASES: Case[] = [100, 1024].flatMap((size) =>
  (["1", "all"] as const).flatMap((acks) => [1, 3].map((producers) => ({ size, acks, producers }))),
);

const SIDES = ["lab", "book", "plain"] as const;
type Side = (typeof SIDES)[number];

/** Compares Kafka on the lab's hosts with the book's settings on the same hosts, and with plain processes. */
export const kafka: Part = {
  name: "kafka",
  title: "Kafka itself",
  description:
    "`kafka-producer-perf-test` and `kafka-consumer-perf-test` on three brokers, in topics with 6 partitions and 3 replicas. Lab: as `npm run up` creates it. Book: the same hosts with the book's `server.properties`, Kafka's default heap and no sandbox ([book.sh](kafka/book.sh)). Plain: processes of this machine with the lab's settings and one volume each, without hosts, network, names or sandbox ([plain.sh](kafka/plain.sh)). Clients run on the host of the first broker, or beside the plain processes. Every side restarts in each round and is warmed up. Only one side runs at a time.",
  measure,
  remove,
  report,
};

async function measure(context: Context): Promise<void> {
  const plainFiles = join(context.directory, "plain");
  const plainBootstrap = writePlainFiles(plainFiles, await settings(await enter()));
  await npmRun("up");
  await npmRun("ssh-config");
  const bootstrap = BROKERS.map((name) => `${name}:9092`).join(",");
  const load = (servers: string) =>
    loadScript({ bootstrap: servers, cases: CASES, warmsUp: true, isTrial: context.isTrial });
  const sides: Record<Side, (round: number) => Promise<string>> = {
    lab: () => onHost(CLIENTS, load(bootstrap)),
    book: (round) => inPlaceOfLab("book", round, () => onHost(CLIENTS, load(bootstrap))),
    plain: async (round) =>
      inPlaceOfLab("none", round, async () => {
        const script = join(HERE, "plain.sh");
        return bounded([script, plainFiles], load(plainBootstrap));
      }),
  };
  for (let round = 0; round < context.rounds; round++) {
    // The order rotates, so that no side always profits from the caches of another.
    for (let index = 0; index < SIDES.length; index++) {
      const side = SIDES[(round + index) % SIDES.length] ?? "lab";
      note(context, side, await sides[side](round));
      await restart();
    }
    context.say(`round ${round + 1} of ${context.rounds} done`);
  }
}

function note(context: Context, side: Side, output: string): void {
  for (const measured of readLoad(output, CASES)) {
    const row = (metric: string) => `${side} ${caseName(measured)} ${metric}`;
    context.note(row("records"), measured.recordsPerSecond, "records/s");
    context.note(row("p50"), measured.p50, "ms");
    context.note(row("p99"), measured.p99, "ms");
    context.note(row("consumed"), measured.consumedPerSecond, "records/s");
  }
}

/** Runs a load while the lab's brokers are stopped: with the book's brokers on the hosts, or without brokers. */
async function inPlaceOfLab(
  other: "book" | "none",
  round: number,
  runLoad: () => Promise<string>,
): Promise<string> {
  const inputs = variables({ CORNER: String(round) });
  const script = inputs + readFileSync(join(HERE, "book.sh"), "utf8");
  const onBrokers = (command: string) =>
    Promise.all(BROKERS.map((name) => onHost(name, script, `sudo bash -s ${command}`)));
  await onBrokers(other === "book" ? "start" : "pause");
  try {
    return await runLoad();
  } finally {
    await onBrokers("stop");
  }
}

/** Restarts the lab's brokers, because the brokers of the other sides are also new. */
const restart = () =>
  Promise.all(BROKERS.map((name) => onHost(name, "", "sudo systemctl restart kafka-server")));

async function remove(): Promise<void> {
  if (existsSync(PLAIN)) {
    rmSync(PLAIN, { recursive: true, force: true });
  }
  await removeLab();
}

function report(samples: Samples): string {
  const of = (side: Side, one: Case, metric: string) =>
    samples[`${side} ${caseName(one)} ${metric}`] ?? [];
  const overall = (side: Side, metric: string) =>
    geometricMean(CASES.map((one) => ratio(of("lab", one, metric), of(side, one, metric))));
  const goals = (["book", "plain"] as const).flatMap((side) =>
    (["records", "consumed"] as const).map((metric) => ({
      what: `records/s ${metric === "records" ? "produced" : "consumed"}, lab / ${side} (geometric mean of the cases)`,
      value: overall(side, metric),
      goal: side === "book" ? 1 : 0.95,
      bound: "at least" as const,
    })),
  );
  const label = ({ size, acks, producers }: Case) => `${size} B, acks=${acks}, ${producers}`;
  const delay = (side: Side, one: Case) =>
    `${number(median(of(side, one, "p50")), 0)} / ${number(median(of(side, one, "p99")), 0)} ms`;
  const ratios = (one: Case, metric: string) =>
    (["book", "plain"] as const).map((side) =>
      number(ratio(of("lab", one, metric), of(side, one, metric)), 2),
    );
  const head = ["record, acks, producers", ...SIDES];
  const rates = (metric: string) =>
    table(
      [...head, "lab / book", "lab / plain"],
      CASES.map((one) => [
        label(one),
        ...SIDES.map((side) => rate(median(of(side, one, metric)), one)),
        ...ratios(one, metric),
      ]),
    );
  return [
    goalTable(goals),
    "Produced, records/s (medians):\n",
    rates("records"),
    "Time until the acknowledgement, p50 / p99 (medians of the rounds, for the slowest producer). Producers send as fast as they can, so most of this time is spent in the producer's own queue:\n",
    table(
      head,
      CASES.map((one) => [label(one), ...SIDES.map((side) => delay(side, one))]),
    ),
    "Consumed by one consumer, records/s (medians):\n",
    rates("consumed"),
  ].join("\n");
}
