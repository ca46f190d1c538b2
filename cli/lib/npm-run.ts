/** The default stack of all commands. */
const DEFAULT_STACK = "local";

/**
 * A command line of the lab as the user types it: `npm run up`, or `npm run up -- -s dev`.
 *
 * @param rest The arguments behind the stack. @default none
 */
export function npmRun(command: string, stack: string, ...rest: string[]): string {
  const args = [...(stack === DEFAULT_STACK ? [] : ["-s", stack]), ...rest];
  return ["npm run", command, ...(args.length === 0 ? [] : ["--", ...args])].join(" ");
}
