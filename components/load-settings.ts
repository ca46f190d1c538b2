import * as pulumi from "@pulumi/pulumi";
import { readPins } from "./lib/archive-pins";
import { readSettings, type Settings } from "./settings";

/**
 * Reads the settings of the current stack. Reports all errors at once, before the program registers a
 * resource.
 */
export function loadSettings(): Settings {
  const { settings, faults } = readSettings(pulumi.runtime.allConfig(), readPins());
  if (faults.length > 0) {
    const count = faults.length === 1 ? "a fault" : `${faults.length} faults`;
    const lines = faults.map((fault) => `  - ${fault}`).join("\n");
    const message = `Stack "${pulumi.getStack()}" has ${count} in its settings; nothing was changed:\n${lines}`;
    throw new pulumi.ResourceError(message, undefined, true);
  }
  return settings;
}
