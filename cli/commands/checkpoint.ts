import { existsSync } from "node:fs";
import type { Command } from "commander";
import { cloudDir } from "../../local-cloud/machine/paths";
import { judgeIfOdd } from "../belongings/first-look";
import {
  deleteCheckpoints,
  listCheckpoints,
  restoreCheckpoint,
  saveCheckpoint,
} from "../checkpoint/commands";
import { type Act, type LabCommand, stackOption } from "../lib/command";
import { Refusal } from "../lib/refusal";
import { enter, type Stack, stackNamed } from "../lib/stack";
import { forgetStack } from "../pulumi/forget";
import { recoverState } from "../pulumi/recover";
import { isStackThere } from "../pulumi/stacks";

export const command: LabCommand = {
  summary: "save the lab with its data, and restore it later",
  examples: [
    "npm run checkpoint -- save before-the-upgrade",
    "npm run checkpoint -- restore before-the-upgrade",
    "npm run -s checkpoint -- list --json",
    "npm run checkpoint -- delete before-the-upgrade",
  ],
  define(command, act) {
    command.addOption(stackOption());
    const sub = subcommand(command, act);
    sub("save <name>", "save disks and states", (_, name) => saveCheckpoint(name as string));
    sub(
      "restore <name>",
      "restore a checkpoint; the former state becomes a checkpoint",
      async (stack, name) => {
        await judgeIfOdd("restore", stack.name);
        await restoreCheckpoint(name as string, stack);
      },
    );
    sub("delete <names...>", "delete checkpoints", (_, names) =>
      deleteCheckpoints(names as string[]),
    );
    sub("list", "list all checkpoints", (_, options) => {
      listCheckpoints((options as { json?: boolean }).json ?? false);
    }).option("--json", "print JSON for programs");
  },
};

/** Creates a subcommand. It first repairs the stack's state after a killed run. */
function subcommand(command: Command, act: Act) {
  return (
    usage: string,
    summary: string,
    work: (stack: Stack, first: unknown) => Promise<void> | void,
  ): Command =>
    command
      .command(usage)
      .description(summary)
      .action(
        act(async (first: unknown) => {
          const stack = stackNamed(command.opts<{ stack: string }>().stack);
          refuseAws(stack);
          await enter(stack);
          await recoverState(stack.name);
          await work(stack, first);
          // If this was the last checkpoint, nothing may be left of the lab.
          if (!(await isStackThere(stack)) && !existsSync(`${cloudDir}/state.json`)) {
            forgetStack(stack);
          }
        }),
      );
}

function refuseAws({ name, target }: Stack): void {
  if (target !== "local") {
    throw new Refusal(
      `checkpoints need the local target; the stack ${name} is on AWS.`,
      "On AWS, use EBS snapshots: aws ec2 create-snapshots; docs/aws.md says how.",
    );
  }
}
