import type { LabCommand } from "../lib/command";
import { root } from "../lib/places";

/** `lab.sh` runs the set-up itself, before Node.js can run anything; this is its help. */
export const command: LabCommand = {
  summary: "set up what is missing on this machine",
  examples: ["npm run setup", "npm run setup -- --scope npm"],
  define(command, act) {
    command
      .option("--scope <scope>", "what is wanted: lab, tools, npm, check or test", "lab")
      .action(
        act(({ scope }: { scope: string }) => ({
          argv: [`${root}/scripts/dev/setup.sh`, "--scope", scope],
        })),
      );
  },
};
