import { type LabCommand, passesFlags } from "./command";
import { enterEnvironment, localEnvironment } from "./environment";
import type { LastProgram } from "./last-program";
import { setUp } from "./setup";

/** Runs the setup for all tests, and enters the environment of the local target. */
export async function enterTests(): Promise<void> {
  await setUp("test");
  enterEnvironment(localEnvironment(process.env));
}

/** The program that runs a vitest project, and projects whose names go on from its name. */
export const vitest = (project: string, flags: string[]): LastProgram => ({
  argv: ["node_modules/.bin/vitest", "run", "--project", `${project}*`, ...flags],
});

/** The command that runs one vitest project on real hosts. */
export function testCommand(summary: string, project: string): LabCommand {
  return {
    summary,
    examples: [`npm run test:${project}`, `npm run test:${project} -- FILE`],
    define(command, act) {
      passesFlags(command, "vitest").action(
        act(async (flags: string[]) => {
          await enterTests();
          return vitest(project, flags);
        }),
      );
    },
  };
}
