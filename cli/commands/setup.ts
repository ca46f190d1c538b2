import type { LabCommand } from "../lib/command";
import { root } from "../lib/places";

/** The help of the setup. `lab.sh` itself runs the setup, because Node.js may be missing. */
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
