import { run } from "../../shared/process";
import { type LabCommand, passesFlags } from "../lib/command";
import { enterEnvironment, localEnvironment, withoutStackTraces } from "../lib/environment";
import { Refusal } from "../lib/refusal";
import { setUp } from "../lib/setup";

/** A bench creates resources with fixed names, so only one bench can run at a time. */
const LOCK = "/run/lock/kafkalab-bench";

export const command: LabCommand = {
  summary: "compare the lab with other ways to create it",
  examples: ["npm run bench", "npm run bench -- lab --timeline", "RUNS=1 npm run bench -- kafka"],
  define(command, act) {
    passesFlags(command, "the bench").action(
      act(async (flags: string[]) => {
        await setUp("lab");
        enterEnvironment(localEnvironment(process.env));
        enterEnvironment(withoutStackTraces(process.env));
        await run(["flock", "--nonblock", LOCK, "true"]).catch(() => {
          throw new Refusal("another bench is running.", "Wait until it has ended.");
        });
        // --no-fork, so that signals reach the bench itself. It then removes its resources.
        const alone = ["flock", "--nonblock", "--no-fork", LOCK];
        return { argv: [...alone, "node", "--import", "tsx", "bench/main.ts", ...flags] };
      }),
    );
  },
};
