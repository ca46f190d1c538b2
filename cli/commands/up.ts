import { type LabCommand, passesFlags, stackOption } from "../lib/command";
import { stackNamed } from "../lib/stack";
import { prepareChange } from "../pulumi/prepare";

export const command: LabCommand = {
  summary: "create the lab, or apply changed settings",
  examples: [
    "npm run up",
    "npm run up -- -s dev",
    "npm run up -- --replace '**kafka-1-instance'",
    "npm run up -- --config-file my-settings.yaml",
  ],
  define(command, act) {
    passesFlags(command.addOption(stackOption()), "pulumi up").action(
      act(async (flags: string[], { stack: name }: { stack: string }) => {
        const stack = stackNamed(name);
        await prepareChange(stack, flags);
        const own = ["--stack", name, "--yes", "--skip-preview", "--suppress-progress"];
        return { argv: ["pulumi", "up", ...own, ...flags] };
      }),
    );
  },
};
