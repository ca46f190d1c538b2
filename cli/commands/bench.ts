import { run } from "../../shared/process";
import { type LabCommand, passesFlags } from "../lib/command";
import { enterEnvironment, localEnvironment, withoutStackTraces } from "../lib/environment";
import { Refusal } from "../lib/refusal";
import { setUp } from "../lib/setup";

/** The names of what a bench makes are fixed, so there is one bench at a time. */
const LOCK = "/run/lock/kafkalab-bench";

export const command: LabCommand = {
  summary: "measure the lab against other ways to the same",
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
        // Without a fork, so that signals reach the bench itself, which still removes what it has made.
        const alone = ["flock", "--nonblock", "--no-fork", LOCK];
        return { argv: [...alone, "node", "--import", "tsx", "bench/main.ts", ...flags] };
      }),
    );
  },
};
