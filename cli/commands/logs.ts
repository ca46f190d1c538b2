import { accessDir, checkRoute, hostNamed, writeAccess } from "../hosts/access-files";
import { type LabCommand, stackOption } from "../lib/command";
import { print, tell } from "../lib/output";
import { Refusal } from "../lib/refusal";
import type { Entry } from "../logs/journal";
import { showLogs } from "../logs/show";
import { enterExisting } from "../pulumi/stacks";

interface Options {
  stack: string;
  since?: string;
  grep?: string;
  follow?: boolean;
  all?: boolean;
  json?: boolean;
}

/** Where a reader begins: enough for what has just happened, or what comes. */
const SINCE = { past: "15 minutes ago", followed: "1 minute ago" };

export const command: LabCommand = {
  summary: "show the journals of the hosts, merged by time",
  examples: [
    "npm run -s logs",
    "npm run -s logs -- peter-kafka01 peter-kafka02 --since '1 hour ago' --grep 'ISR|leader'",
    "npm run -s logs -- --follow",
  ],
  define(command, act) {
    command
      .addOption(stackOption())
      .argument("[hosts...]", "for example peter-kafka01; by default every host")
      .option(
        "--since <time>",
        `entries from this time on, as journalctl reads it (default: ${SINCE.past}; with --follow: ${SINCE.followed})`,
      )
      .option("--grep <pattern>", "only messages that match this regular expression")
      .option("--follow", "wait for further entries, until Ctrl-C")
      .option("--all", "the entries of all units, not only of Kafka and ZooKeeper")
      .option("--json", "print each entry as JSON on a line of its own")
      .action(
        act(async (names: string[], options: Options) => {
          const stack = await enterExisting(options.stack);
          const hosts = await writeAccess(stack);
          names.forEach((name) => hostNamed(name, hosts, stack));
          await checkRoute(hosts, stack);
          const running = Object.keys(hosts).filter((name) => hosts[name]?.address !== undefined);
          const off = Object.keys(hosts).filter((name) => !running.includes(name));
          const chosen =
            names.length === 0
              ? running
              : running.filter((name) => hosts[name]?.names.some((each) => names.includes(each)));
          if (chosen.length === 0) {
            throw new Refusal(
              `no host of the stack ${stack.name} runs.`,
              "Start them: set kafkalab:running to true, then npm run up",
            );
          }
          if (names.length === 0 && off.length > 0) {
            tell(`kafkalab: without ${off.join(", ")}: stopped`);
          }
          const { since, grep, follow = false, all = false, json = false } = options;
          const selection = {
            since: since ?? (follow ? SINCE.followed : SINCE.past),
            ...(grep !== undefined && { grep }),
            ...{ isEverything: all, isFollowed: follow },
          };
          return showLogs(
            chosen,
            selection,
            accessDir(stack),
            json ? (entry) => print(jsonOf(entry)) : undefined,
          );
        }),
      );
  },
};

function jsonOf({ time, ...entry }: Entry): string {
  return JSON.stringify({ time: new Date(Number(time / 1000n)).toISOString(), ...entry });
}
