import { findClient } from "../clients/client-host";
import { openLab } from "../clients/lab";
import { count, separator, userOption } from "../clients/options";
import { consume } from "../clients/remote-run";
import { topicOf } from "../clients/topic";
import { checkRoute } from "../hosts/access-files";
import { type LabCommand, stackOption } from "../lib/command";

interface Options {
  stack: string;
  fromEnd?: true;
  group?: string;
  json?: true;
  keySeparator?: string;
  max?: number;
  user?: string;
}

export const command: LabCommand = {
  summary: "print the records of a topic; needs no Kafka client on this machine",
  examples: [
    "npm run -s consume",
    "npm run -s consume -- orders --from-end",
    "npm run -s consume -- orders --group billing --max 10",
    "npm run -s consume -- orders --json --max 1",
    "npm run -s consume -- orders --user alice --max 1",
  ],
  define(command, act) {
    command
      .addOption(stackOption())
      .addOption(userOption())
      .argument("[topic]", "the topic; without one, that of the smoke test")
      .option("--from-end", "print only new records, not those from the beginning")
      .option("--group <group>", "read as a member of a group, which goes on where it has stopped")
      .option("--max <number>", "end after so many records; without it, Ctrl-C ends", count)
      .option("--json", "print each record as a line of JSON, with partition, offset, key and time")
      .option("--key-separator <text>", "print the key and this text before each value", separator)
      .action(
        act(async (name: string | undefined, { stack, user, ...wanted }: Options) => {
          const lab = await openLab(stack);
          const topic = topicOf(name, lab.outputs);
          await checkRoute(lab.hosts, lab.stack);
          const client = await findClient(lab, topic, user);
          return consume(client, { ...wanted, servers: client.servers, topic });
        }),
      );
  },
};
