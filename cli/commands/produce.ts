import { findClient } from "../clients/client-host";
import { openLab } from "../clients/lab";
import { separator, userOption } from "../clients/options";
import { produce } from "../clients/remote-run";
import { topicOf } from "../clients/topic";
import { checkRoute } from "../hosts/access-files";
import { type LabCommand, stackOption } from "../lib/command";
import { tell } from "../lib/output";

interface Options {
  stack: string;
  keySeparator?: string;
  user?: string;
}

export const command: LabCommand = {
  summary: "send each line of standard input as a record; needs no Kafka client on this machine",
  examples: [
    "echo hello | npm run produce",
    "npm run produce -- orders <orders.txt",
    "npm run produce -- orders --user alice <orders.txt",
    "echo customer-1:hello | npm run produce -- orders --key-separator :",
  ],
  define(command, act) {
    command
      .addOption(stackOption())
      .addOption(userOption())
      .argument("[topic]", "the topic; without one, that of the smoke test")
      .option("--key-separator <text>", "what separates key and value in a line", separator)
      .addHelpText(
        "after",
        "\nA record counts as acknowledged when all replicas in sync have it. Empty lines are no records.",
      )
      .action(
        act(async (name: string | undefined, { stack, keySeparator, user }: Options) => {
          const lab = await openLab(stack);
          const topic = topicOf(name, lab.outputs);
          await checkRoute(lab.hosts, lab.stack);
          const client = await findClient(lab, topic, user);
          if (process.stdin.isTTY) {
            tell(`Each line becomes a record of the topic ${topic}. Ctrl-D ends.`);
          }
          const { servers } = client;
          return produce(client, { servers, topic, keySeparator }, process.stdin);
        }),
      );
  },
};
