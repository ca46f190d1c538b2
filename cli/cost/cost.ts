import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { messageOf } from "../../shared/message-of";
import { RunError } from "@pulumi/pulumi";
import { readPins } from "../../components/lib/archive-pins";
import { readSettings } from "../../components/settings";
import { registrations, runProgram, ZONES } from "../dry-run/program";
import { estimate } from "./estimate";
import { readPrices } from "./prices";
import { json, table } from "./report";
import { readStackConfig } from "../lib/stack-config";

/** Placeholder for an address that is not set yet. RFC 5737 reserves it for documentation. */
const SOME_ADDRESS = "192.0.2.1/32";

/** Returns the output of the command. `directory` contains the settings of the stacks. */
export async function cost(
  args: string[],
  directory: string,
): Promise<{ text: string; complete: boolean }> {
  const { stack, asJson } = readArguments(args);
  const config = stackConfig(stack, directory);
  const { target, region, availabilityZones } = readSettings(config, readPins()).settings;
  const notes = target === "aws" ? fillIn(config) : [];
  // The program also checks the settings.
  const letters = availabilityZones.map((zone) => zone.slice(-1));
  await runProgram(config, stack, { region, zones: letters.length > 0 ? letters : ZONES });
  const result = estimate(target === "aws" ? registrations() : [], readPrices(), region);
  const complete = result.missing.length === 0;
  if (asJson) {
    return { text: json(stack, result, notes), complete };
  }
  const free = `Stack ${stack} costs nothing: its hosts run on this machine.\n`;
  return { text: target === "aws" ? table(stack, result, notes) : free, complete };
}

function readArguments(args: string[]): { stack: string; asJson: boolean } {
  try {
    const { values } = parseArgs({
      args,
      options: { stack: { type: "string", short: "s" }, json: { type: "boolean" } },
    });
    return { stack: values.stack ?? "dev", asJson: values.json ?? false };
  } catch (error) {
    const usage = "Usage: npm run cost -- [-s STACK] [--json]";
    throw new RunError(`${messageOf(error)}\n${usage}`);
  }
}

function stackConfig(stack: string, directory: string): Record<string, string> {
  const file = `Pulumi.${stack}.yaml`;
  const path = join(directory, file);
  if (!existsSync(path)) {
    throw new RunError(
      `Stack "${stack}": its settings must be in ${file}; there is no such file. ` +
        "Name another stack with -s.",
    );
  }
  return readStackConfig(readFileSync(path, "utf8"), file);
}

/** Fills in settings that the lab requires but the price does not depend on. */
function fillIn(config: Record<string, string>): string[] {
  const name = "kafkalab:sshAllowedCidrs";
  if ((config[name] ?? "[]") !== "[]") {
    return [];
  }
  config[name] = JSON.stringify([SOME_ADDRESS]);
  return [`${name} is not set: ${SOME_ADDRESS} stands in for it, which does not change the price.`];
}
