import { type Command, Option } from "commander";
import type { LastProgram } from "./last-program";

/** The result of a command: an exit status, or the program to run next. Nothing means success. */
export type Outcome = number | LastProgram | void;

/** Turns a function into a commander action, and stores its outcome. */
export type Act = <Args extends unknown[]>(
  work: (...args: Args) => Outcome | Promise<Outcome>,
) => (...args: Args) => Promise<void>;

/** One of the lab's commands. */
export interface LabCommand {
  /** One line for the list of commands. */
  summary: string;
  /** Example command lines. */
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

/** Lets a command accept flags of another program and pass them on in the same order. */
export function passesFlags(command: Command, program: string): Command {
  return command
    .argument(`[flags...]`, `flags of ${program}, passed on as they are`)
    .allowUnknownOption()
    .allowExcessArguments();
}
