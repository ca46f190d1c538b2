/**
 * The lab's commands. `scripts/dev/lab.sh` runs the bundle of this file, in the checkout.
 */
import { CommanderError } from "commander";
import { EXIT_STATUS } from "./lib/exit-status";
import { handOver } from "./lib/last-program";
import { Refusal } from "./lib/refusal";
import { SetUpFailed } from "./lib/setup";
import { runCommandLine } from "./program";
import { CommandError } from "../shared/process";

/** Prints the error, and returns the exit status. */
function failed(error: unknown): number {
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? EXIT_STATUS.done : EXIT_STATUS.usage; // commander has printed the reason
  }
  if (error instanceof SetUpFailed) {
    return error.status;
  }
  if (error instanceof Refusal) {
    console.error(error.text);
  } else if (error instanceof CommandError) {
    console.error(`kafkalab: ${error.message}`);
  } else {
    console.error(error);
  }
  return EXIT_STATUS.failed;
}

// A reader of the output, such as `head`, may exit early. The command continues to its end.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") {
      throw error;
    }
  });
}

// Services on hosts and dnsmasq must be able to read the commands' files, even if the user has a strict umask.
process.umask(0o022);

const before = { ...process.env };
runCommandLine(process.argv.slice(2)).then(
  (outcome) => {
    if (typeof outcome === "object") {
      handOver(outcome, before);
    } else {
      process.exitCode = outcome ?? EXIT_STATUS.done;
    }
  },
  (error: unknown) => {
    process.exitCode = failed(error);
  },
);
