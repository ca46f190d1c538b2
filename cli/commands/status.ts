import { type LabCommand, stackOption } from "../lib/command";
import { EXIT_STATUS } from "../lib/exit-status";
import { print, printJson } from "../lib/output";
import { enterExisting } from "../pulumi/stacks";
import { labStatus } from "../status/gather";
import { renderStatus } from "../status/render";

interface Options {
  stack: string;
  topics?: boolean;
  json?: boolean;
}

export const command: LabCommand = {
  summary: "show the state of hosts, services, topics and the network",
  examples: ["npm run -s status", "npm run -s status -- --topics", "npm run -s status -- --json"],
  define(command, act) {
    command
      .addOption(stackOption())
      .option("--topics", "show each partition of each topic, also of Kafka's internal ones")
      .option("--json", "print JSON for programs")
      .action(
        act(async ({ stack: name, topics = false, json = false }: Options) => {
          const stack = await enterExisting(name);
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
