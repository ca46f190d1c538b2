import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommandError, run } from "../../shared/process";
import { runAttached } from "../lib/child";
import { type LabCommand, passesFlags, stackOption } from "../lib/command";
import { print } from "../lib/output";
import { stackNamed } from "../lib/stack";
import { prepareChange } from "../pulumi/prepare";

const PREFIX = "kafkalab-wishes-";

export const command: LabCommand = {
  summary: "show what up would change, and what the operator would do to the running clusters",
  examples: ["npm run preview", "npm run preview -- -s dev --diff"],
  define(command, act) {
    passesFlags(command.addOption(stackOption()), "pulumi preview").action(
      act(async (flags: string[], { stack: name }: { stack: string }) => {
        const stack = stackNamed(name);
        await prepareChange(stack, flags);
        const argv = ["preview", "--stack", name, "--suppress-progress", ...flags];
        removeLeftWishes();
        // Only this user can read the directory: wishes contain SSH keys.
        const wishes = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
        process.env["KAFKALAB_WISHES"] = wishes;
        try {
          const status = await runAttached(["pulumi", ...argv]);
          if (status === 0 && !flags.includes("--json")) {
            await printPlans(wishes);
          }
          return status;
        } finally {
          rmSync(wishes, { recursive: true });
        }
      }),
    );
  },
};

/** Removes the wishes of this user's previews that were killed. */
function removeLeftWishes(): void {
  for (const name of readdirSync(tmpdir()).filter((each) => each.startsWith(PREFIX))) {
    const directory = join(tmpdir(), name);
    const pid = name.slice(PREFIX.length).split("-")[0];
    const uid = lstatSync(directory, { throwIfNoEntry: false })?.uid;
    if (uid === process.getuid?.() && !existsSync(`/proc/${pid}`)) {
      rmSync(directory, { recursive: true, force: true });
    }
  }
}

/** The resources that run the operator, in execution order, with the names for the output. */
const MATTERS = {
  "zookeeper-ready": "ZooKeeper",
  "kafka-ready": "Kafka",
  "topics-shape": "topics",
};

/** Prints what the operator would do, or why that is unknown. */
async function printPlans(wishes: string): Promise<void> {
  const known = readdirSync(wishes);
  print("Operator:");
  for (const [name, matter] of Object.entries(MATTERS)) {
    if (known.includes(name)) {
      print(`  ${matter}: ${await planOf(readFileSync(join(wishes, name), "utf8"))}`);
    } else if (name !== "topics-shape") {
      print(
        `  ${matter}: not known before up: some of its hosts or secrets are new, or the lab is paused`,
      );
    }
  }
}

async function planOf(wish: string): Promise<string> {
  try {
    const lines = (await run(["node", ".lab/operator.cjs", "--plan"], wish)).trim();
    return lines === "" ? "nothing to do" : lines.replaceAll("\n", "; ");
  } catch (error) {
    return error instanceof CommandError ? error.stderr.trim() : String(error);
  }
}
