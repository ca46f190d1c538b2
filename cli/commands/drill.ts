import { join } from "node:path";
import { judgeIfOdd } from "../belongings/first-look";
import { readOutputs } from "../clients/lab";
import { NO_SECURITY } from "../../components/lib/kafka-security";
import { toolPort } from "../../components/lib/kafka-contact";
import { accessDir, checkRoute, writeAccess } from "../hosts/access-files";
import { type LabCommand, stackOption } from "../lib/command";
import { root } from "../lib/places";
import { setUp } from "../lib/setup";
import { enterExisting, exportedResources } from "../pulumi/stacks";

interface Options {
  stack: string;
  json?: true;
  configFile?: string;
}

export const command: LabCommand = {
  summary: "break the lab under load, and see that nothing is lost",
  examples: [
    "npm run drill -- list",
    "npm run drill -- kill-broker",
    "npm run -s drill -- all --json",
  ],
  define(command, act) {
    command
      .addOption(stackOption())
      .argument("<names...>", "names of drills; list shows them, all runs them all")
      .option("--json", "print JSON for programs")
      .option("--config-file <file>", "the settings of the stack, if not Pulumi.STACK.yaml")
      .action(
        act(async (names: string[], { stack: name, json, configFile }: Options) => {
          if (names[0] === "list") {
            await setUp("npm");
          } else {
            await findLab(name, configFile ?? join(root, `Pulumi.${name}.yaml`));
          }
          delete process.env["NODE_OPTIONS"];
          const flags = json ? ["--json"] : [];
          // It takes the place of this process, so that a signal reaches it alone.
          return {
            argv: ["node", "--import", "tsx", "cli/drill/main.ts", ...flags, "--", ...names],
          };
        }),
      );
  },
};

/** Says in LAB_ACCESS how the drill finds its lab. */
async function findLab(name: string, configFile: string): Promise<void> {
  const stack = await enterExisting(name);
  if (stack.target === "local") {
    await judgeIfOdd("change", name);
  }
  const resources = await exportedResources(stack, "clear");
  const hosts = await writeAccess(stack, accessDir(stack), resources);
  await checkRoute(hosts, stack);
  process.env["LAB_ACCESS"] = JSON.stringify({
    ...{ root, stack: name, target: stack.target, directory: accessDir(stack), configFile, hosts },
    port: toolPort(readOutputs(resources).security ?? NO_SECURITY),
  });
}
