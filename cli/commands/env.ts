import type { LabCommand } from "../lib/command";
import { localEnvironment, shellLines } from "../lib/environment";
import { print } from "../lib/output";
import { root } from "../lib/places";
import { setUp } from "../lib/setup";
import { releasesNamed } from "../lib/stack-file";

export const command: LabCommand = {
  summary: "print the environment in which pulumi finds the lab, as lines for a shell",
  examples: ['eval "$(npm run -s env)"; pulumi stack output --stack local'],
  define(command, act) {
    command.action(
      act(async () => {
        await setUp("lab", releasesNamed("local", root, []));
        print(...shellLines(localEnvironment(process.env)));
      }),
    );
  },
};
