/*
 * The operator changes a running cluster until it matches the wish. Pulumi runs it as a local command,
 * once for each kind of wish, with the wish as JSON on stdin. It prints a result, if any, as JSON on
 * stdout and progress on stderr. A killed operator does no harm: the next run reads the state of the
 * cluster and continues from there.
 *
 * With `--plan` it only prints what it would do, one line for each step.
 */
import { text } from "node:stream/consumers";
import { messageOf } from "../shared/message-of";
import { type Hosts, SshHost } from "./host";
import { planKafka, runKafka } from "./kafka/operate";
import { runSmokeTest } from "./kafka/smoke-test";
import { planTopicChanges, runTopics } from "./kafka/topics";
import { withLock } from "./lock";
import { type HostTarget, type Wish, wish } from "./wish";
import { planZooKeeper, runZooKeeper } from "./zookeeper/operate";

/** A preview does not wait for a host that is booting. */
const PLAN_DIAL_SECONDS = 10;

async function main(isPlan: boolean): Promise<void> {
  const wanted = wish.parse(JSON.parse(await text(process.stdin)));
  const hosts = await connectAll(targetsOf(wanted), isPlan ? PLAN_DIAL_SECONDS : undefined);
  try {
    if (isPlan) {
      const lines = await plan(wanted, hosts);
      lines.forEach((line) => process.stdout.write(`${line}\n`));
    } else {
      const run = () => operate(wanted, hosts);
      // The smoke test needs no lock: it changes nothing that another operator acts on.
      const isAlone = wanted.kind !== "smoke-test";
      const result = await (isAlone ? withLock(firstOf(hosts), clusterOf(wanted), run) : run());
      if (result !== undefined) {
        process.stdout.write(`${JSON.stringify(result)}\n`);
      }
    }
  } finally {
    for (const host of hosts.values()) {
      host.end();
    }
  }
}

function firstOf(hosts: ReadonlyMap<string, SshHost>): SshHost {
  const [first] = hosts.values();
  if (first === undefined) {
    throw new Error("a cluster must have a host");
  }
  return first;
}

/** The hosts that the operator connects to. The smoke test uses only the first and the last broker. */
function targetsOf(wanted: Wish): HostTarget[] {
  const nodes = wanted.kind === "zookeeper" ? wanted.nodes : wanted.brokers;
  const concerned =
    wanted.kind === "smoke-test"
      ? nodes.filter((_, at) => at === 0 || at === nodes.length - 1)
      : nodes;
  return concerned.map(({ host }) => host);
}

function clusterOf({ kind }: Wish): string {
  return kind === "zookeeper" ? "zookeeper" : "kafka";
}

async function connectAll(
  targets: readonly HostTarget[],
  seconds?: number,
): Promise<Map<string, SshHost>> {
  const found = await Promise.allSettled(targets.map((target) => SshHost.connect(target, seconds)));
  const hosts = found.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  const failed = found.find((each) => each.status === "rejected");
  if (failed !== undefined) {
    hosts.forEach((host) => host.end());
    throw failed.reason;
  }
  return new Map(hosts.map((host) => [host.name, host]));
}

function operate(wanted: Wish, hosts: Hosts): Promise<unknown> {
  switch (wanted.kind) {
    case "kafka":
      return runKafka(wanted, hosts);
    case "zookeeper":
      return runZooKeeper(wanted, hosts);
    case "topics":
      return runTopics(wanted, hosts);
    case "smoke-test":
      return runSmokeTest(wanted, hosts);
  }
}

/** Returns the steps that a run would take, one line each. */
async function plan(wanted: Wish, hosts: Hosts): Promise<string[]> {
  switch (wanted.kind) {
    case "kafka":
      return planKafka(wanted, hosts);
    case "zookeeper":
      return planZooKeeper(wanted, hosts);
    case "topics":
      return planTopicChanges(wanted, hosts);
    case "smoke-test":
      return [];
  }
}

void main(process.argv.includes("--plan"))
  .then(
    () => 0,
    (error: unknown) => {
      process.stderr.write(`${messageOf(error)}\n`);
      return 1;
    },
  )
  // An SSH connection to a host that stopped answering would keep the process alive.
  .then((status) => process.stdout.write("", () => process.exit(status)));
