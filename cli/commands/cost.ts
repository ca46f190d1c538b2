import { type LabCommand, stackOption } from "../lib/command";
import { enterEnvironment, toolEnvironment } from "../lib/environment";

export const command: LabCommand = {
  summary: "estimate what a stack costs on AWS; needs no account and no network",
  examples: ["npm run -s cost", "npm run -s cost -- -s dev --json"],
  define(command, act) {
    command
      .addOption(stackOption("dev"))
      .option("--json", "print JSON for programs")
      .action(
        act(({ stack, json }: { stack: string; json?: true }) => {
          enterEnvironment(toolEnvironment(process.env));
          // It runs the Pulumi program. The program's packages are too large for a bundle.
          const script = ["node", "--import", "tsx", "cli/cost/main.ts"];
          return { argv: [...script, "--stack", stack, ...(json ? ["--json"] : [])] };
        }),
      );
  },
};
