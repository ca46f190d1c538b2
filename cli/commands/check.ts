import { type LabCommand } from "../lib/command";
import { setUp } from "../lib/setup";
import { checkAll } from "../checks";

export const command: LabCommand = {
  summary: "check format, lint, types, shell and unit tests; needs no root",
  examples: ["npm run check"],
  define(command, act) {
    command.action(
      act(async () => {
        await setUp("check");
        return checkAll();
      }),
    );
  },
};
