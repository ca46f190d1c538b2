import { accessDir, writeAccess } from "../hosts/access-files";
import { sshConfig } from "../hosts/ssh-config";
import { type LabCommand, stackOption } from "../lib/command";
import { enterExisting } from "../pulumi/stacks";

export const command: LabCommand = {
  summary: "print a configuration for your own ssh and scp",
  examples: ["npm run -s ssh-config >~/.ssh/config.d/kafkalab"],
  define(command, act) {
    command.addOption(stackOption()).action(
      act(async ({ stack: name }: { stack: string }) => {
        const stack = await enterExisting(name);
        const hosts = await writeAccess(stack);
        process.stdout.write(sshConfig(hosts, accessDir(stack), stack.target));
      }),
    );
  },
};
