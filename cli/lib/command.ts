import { type Command, Option } from "commander";
import type { LastProgram } from "./last-program";

/** How a command ends: an exit status, the program that it becomes, or with nothing: well. */
export type Outcome = number | LastProgram | void;

/** Makes a commander action of what a command does, and keeps its outcome. */
export type Act = <Args extends unknown[]>(
  work: (...args: Args) => Outcome | Promise<Outcome>,
) => (...args: Args) => Promise<void>;

/** One of the lab's commands. */
export interface LabCommand {
  /** One line for the list of commands. */
  summary: string;
  /** Command lines that work. */
  examples: string[];
  /** Adds arguments, options and the action. */
  define(command: Command, act: Act): void;
}

/** The option that names the stack. @default local */
export function stackOption(fallback = "local"): Option {
  return new Option(
    "-s, --stack <stack>",
    "the stack, whose settings are in Pulumi.STACK.yaml",
  ).default(fallback);
}

/** Lets a command take flags of another program, and pass them on in their order. */
export function passesFlags(command: Command, program: string): Command {
  return command
    .argument(`[flags...]`, `flags of ${program}, passed on as they are`)
    .allowUnknownOption()
    .allowExcessArguments();
}
