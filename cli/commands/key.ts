import { join } from "node:path";
import { accessDir, writeAccess } from "../hosts/access-files";
import { type LabCommand, stackOption } from "../lib/command";
import { print } from "../lib/output";
import { enterExisting } from "../pulumi/stacks";

export const command: LabCommand = {
  summary: "write the login key, and print where it is",
  examples: ['scp -i "$(npm run -s key)" -F none FILE ec2-user@ADDRESS:'],
  define(command, act) {
    command.addOption(stackOption()).action(
      act(async ({ stack: name }: { stack: string }) => {
        const stack = await enterExisting(name);
        await writeAccess(stack);
        print(join(accessDir(stack), "key"));
      }),
    );
  },
};
