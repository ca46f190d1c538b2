import { accessDir, checkRoute, hostNamed, writeAccess } from "../hosts/access-files";
import { CONFIG_ARGUMENTS } from "../hosts/ssh-config";
import { type LabCommand, stackOption } from "../lib/command";
import { enterExisting } from "../pulumi/stacks";

export const command: LabCommand = {
  summary: "log in to a host, or run a command on it",
  examples: [
    "npm run ssh -- peter-kafka01",
    "npm run ssh -- peter-kafka01 sudo systemctl status kafka-server",
  ],
  define(command, act) {
    command
      .addOption(stackOption())
      .argument("<host>", "for example peter-kafka01")
      .argument("[command...]", "without one, a login shell")
      .passThroughOptions()
      .action(
        act(async (host: string, words: string[], { stack: name }: { stack: string }) => {
          const stack = await enterExisting(name);
          const hosts = await writeAccess(stack);
          hostNamed(host, hosts, stack);
          await checkRoute(hosts, stack);
          const argv = ["ssh", ...CONFIG_ARGUMENTS, host, ...words];
          return { argv, directory: accessDir(stack) };
        }),
      );
  },
};
