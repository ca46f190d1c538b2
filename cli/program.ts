import { Command } from "commander";
import type { Act, LabCommand, Outcome } from "./lib/command";
import { EXIT_STATUS, EXIT_STATUS_HELP } from "./lib/exit-status";

type Module = { command: LabCommand };

/** All commands. Node.js loads a command's file only when the command runs. */
export const COMMANDS: Record<string, () => Promise<Module>> = {
  setup: () => import("./commands/setup.js"),
  up: () => import("./commands/up.js"),
  preview: () => import("./commands/preview.js"),
  destroy: () => import("./commands/destroy.js"),
  status: () => import("./commands/status.js"),
  logs: () => import("./commands/logs.js"),
  ssh: () => import("./commands/ssh.js"),
  "ssh-config": () => import("./commands/ssh-config.js"),
  key: () => import("./commands/key.js"),
  tunnel: () => import("./commands/tunnel.js"),
  "client-config": () => import("./commands/client-config.js"),
  produce: () => import("./commands/produce.js"),
  consume: () => import("./commands/consume.js"),
  checkpoint: () => import("./commands/checkpoint.js"),
  "take-over": () => import("./commands/take-over.js"),
  drill: () => import("./commands/drill.js"),
  cost: () => import("./commands/cost.js"),
  cache: () => import("./commands/cache.js"),
  env: () => import("./commands/env.js"),
  check: () => import("./commands/check.js"),
  test: () => import("./commands/test.js"),
  "test-integration": () => import("./commands/test-integration.js"),
  "test-operations": () => import("./commands/test-operations.js"),
  "test-full": () => import("./commands/test-full.js"),
  bench: () => import("./commands/bench.js"),
};

/** The name of a command in package.json. */
const scriptName = (name: string) => name.replace(/^test-/, "test:");

/** Builds the command line with these commands. */
export async function programOf(names: string[], act: Act): Promise<Command> {
  const program = new Command("npm run")
    .usage("COMMAND -- [options]")
    .description("A Kafka lab on this machine or on AWS.")
    .enablePositionalOptions()
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, "kafkalab: ")),
    })
    .addHelpText("after", `\n${EXIT_STATUS_HELP}\n\nHelp for a command: npm run up -- --help`)
    .exitOverride();
  for (const name of names) {
    const { command } = (await COMMANDS[name]?.()) ?? {};
    if (command !== undefined) {
      const examples = command.examples.map((example) => `  ${example}`);
      const title = `Example${examples.length === 1 ? "" : "s"}:`;
      const sub = program
        .command(name)
        .summary(command.summary)
        .description(command.summary)
        .addHelpText("after", ["", title, ...examples, "", EXIT_STATUS_HELP].join("\n"));
      command.define(sub, act);
      const script = scriptName(name) === name ? "" : `(npm run ${scriptName(name)}) `;
      sub.usage(`${script}-- ${sub.usage()}`);
    }
  }
  return program;
}

/**
 * Runs a command line, and returns its outcome.
 *
 * @throws CommanderError if the command line is invalid. Commander has printed the reason.
 */
export async function runCommandLine(argv: string[]): Promise<Outcome> {
  let outcome: Outcome = undefined;
  const act: Act =
    (work) =>
    async (...args) => {
      outcome = await work(...args);
    };
  const [name = ""] = argv;
  const program = await programOf(name in COMMANDS ? [name] : Object.keys(COMMANDS), act);
  if (argv.length === 0) {
    program.outputHelp({ error: true });
    return EXIT_STATUS.usage;
  }
  await program.parseAsync(argv, { from: "user" });
  return outcome;
}
