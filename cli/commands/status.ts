import { InvalidArgumentError } from "commander";
import { catchEnd } from "../lib/child";
import { type LabCommand, stackOption } from "../lib/command";
import { EXIT_STATUS } from "../lib/exit-status";
import { print, printJson } from "../lib/output";
import type { Stack } from "../lib/stack";
import { enterExisting } from "../pulumi/stacks";
import { labStatus } from "../status/gather";
import { renderStatus } from "../status/render";
import { watch } from "../status/watch";

interface Options {
  stack: string;
  topics?: boolean;
  json?: boolean;
  watch?: number | true;
}

/** The time between two looks of `--watch`. */
const WATCH_SECONDS = 5;

export const command: LabCommand = {
  summary: "show the state of hosts, services, topics and the network",
  examples: [
    "npm run -s status",
    "npm run -s status -- --topics",
    "npm run -s status -- --watch",
    "npm run -s status -- --json",
  ],
  define(command, act) {
    command
      .addOption(stackOption())
      .option("--topics", "show each partition of each topic, also of Kafka's internal ones")
      .option(
        "--watch [seconds]",
        `look again so many seconds later, until Ctrl-C (default: ${WATCH_SECONDS})`,
        readSeconds,
      )
      .option("--json", "print JSON for programs; with --watch, each look on a line of its own")
      .action(
        act(async ({ stack: name, topics = false, json = false, watch: seconds }: Options) => {
          const stack = await enterExisting(name);
          if (seconds !== undefined) {
            return watchStatus(stack, seconds === true ? WATCH_SECONDS : seconds, topics, json);
          }
          const status = await labStatus(stack);
          if (json) {
            printJson(status);
          } else {
            print(renderStatus(status, topics));
          }
          return status.well ? EXIT_STATUS.done : EXIT_STATUS.failed;
        }),
      );
  },
};

async function watchStatus(
  stack: Stack,
  seconds: number,
  topics: boolean,
  json: boolean,
): Promise<number> {
  const end = catchEnd(() => process.exit(EXIT_STATUS.interrupted));
  const look = async () => {
    const status = await labStatus(stack);
    if (json) {
      return JSON.stringify(status);
    }
    return [`${new Date().toISOString().slice(0, 19)}Z`, "", renderStatus(status, topics)].join(
      "\n",
    );
  };
  const replaces = !json && process.stdout.isTTY;
  try {
    return await watch(look, {
      seconds,
      replaces,
      end,
      write: (text) => process.stdout.write(text),
    });
  } finally {
    end.release();
  }
}

function readSeconds(text: string): number {
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > 3600) {
    throw new InvalidArgumentError("It must be a whole number of seconds from 1 to 3600.");
  }
  return seconds;
}
