import * as pulumi from "@pulumi/pulumi";
import { readPins } from "./lib/archive-pins";
import { readSettings, type Settings } from "./settings";
import { userPasswords } from "./settings/users";
import { isObject, parseJson } from "./settings/values";

/** Pulumi's own type of `runtime` leaves this function out. */
interface SecretKeys {
  /** Whether a value is a secret, or contains one. */
  isConfigSecret(key: string): boolean;
}

/**
 * Reads the settings of the current stack. Reports all errors at once, before the program registers a
 * resource.
 */
export function loadSettings(): Settings {
  const config = pulumi.runtime.allConfig();
  const { settings, faults: ofValues } = readSettings(config, readPins());
  const faults = [...ofValues, ...passwordsInClear(config, settings.users)];
  if (faults.length > 0) {
    const count = faults.length === 1 ? "a fault" : `${faults.length} faults`;
    const lines = faults.map((fault) => `  - ${fault}`).join("\n");
    const message = `Stack "${pulumi.getStack()}" has ${count} in its settings; nothing was changed:\n${lines}`;
    throw new pulumi.ResourceError(message, undefined, true);
  }
  return settings;
}

/**
 * Returns a fault for each user whose password is in the stack's file as it is. Pulumi only says whether the
 * setting contains a secret, so passwords in the clear beside a secret one stay unnoticed.
 */
function passwordsInClear(config: Record<string, string>, users: readonly string[]): string[] {
  const key = `kafkalab:${userPasswords.name}`;
  const text = config[key] ?? "";
  const passwords = text === "" ? {} : parseJson(text);
  const names = isObject(passwords) ? Object.keys(passwords) : undefined;
  const runtime = pulumi.runtime as typeof pulumi.runtime & SecretKeys;
  if (names?.length === 0 || runtime.isConfigSecret(key)) {
    return [];
  }
  // Any other name may be a password that somebody wrote in the wrong place.
  const known = names?.filter((name) => users.includes(name)) ?? [];
  return known.length > 0
    ? known.map((name) => inClear(`${key}.${name}`, pathOf(key, name)))
    : [inClear(key, `${key}.NAME`)];
}

function inClear(what: string, path: string): string {
  return (
    `Setting "${what}": it must be a secret; got a password in the clear. Choose another password, and set ` +
    `it with: pulumi config set --secret --path ${path} -s ${pulumi.getStack()}.`
  );
}

/** The path of a user's password as a word of a shell. */
function pathOf(key: string, name: string): string {
  return name.includes(".") ? `'${key}["${name}"]'` : `${key}.${name}`;
}
