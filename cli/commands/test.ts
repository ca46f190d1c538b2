import { checkAll } from "../checks";
import { runAttached } from "../lib/child";
import { type LabCommand, passesFlags } from "../lib/command";
import { enterTests, vitest } from "../lib/tests";

export const command: LabCommand = {
  summary: "run the checks, the plugins' tests and the tests on real hosts",
  examples: ["npm test"],
  define(command, act) {
    passesFlags(command, "vitest").action(
      act(async (flags: string[]) => {
        await enterTests();
        return (
          (await checkAll()) ||
          (await runAttached(["scripts/dev/test-plugins.sh"])) ||
          vitest("integration", flags)
        );
      }),
    );
  },
};
