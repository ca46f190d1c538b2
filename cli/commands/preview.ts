import { type LabCommand, passesFlags, stackOption } from "../lib/command";
import { stackNamed } from "../lib/stack";
import { prepareChange } from "../pulumi/prepare";

export const command: LabCommand = {
  summary: "show what up would change",
  examples: ["npm run preview", "npm run preview -- -s dev --diff"],
  define(command, act) {
    passesFlags(command.addOption(stackOption()), "pulumi preview").action(
      act(async (flags: string[], { stack: name }: { stack: string }) => {
        const stack = stackNamed(name);
        await prepareChange(stack, flags);
        return { argv: ["pulumi", "preview", "--stack", name, "--suppress-progress", ...flags] };
      }),
    );
  },
};
