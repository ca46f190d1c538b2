import { type Breach } from "./breach";
import { breach } from "./rules";
import { nearest } from "./spelling";

/** Keys that the lab sets itself, each with the setting that determines it; "" if there is none. */
export type Decided = Record<string, string>;

/** Rejects a key that the lab sets itself. */
export function decidedByLab(key: string, keys: Decided): Breach | undefined {
  const setting = Object.hasOwn(keys, key) ? keys[key] : undefined;
  if (setting === undefined) {
    return undefined;
  }
  return setting === ""
    ? { rule: "hold no key that the lab itself decides", remedy: "Leave it out" }
    : {
        rule: `hold no key that follows from kafkalab:${setting}`,
        remedy: `Leave it out, or change kafkalab:${setting}`,
      };
}

/**
 * Rejects an unknown key.
 *
 * @param keys Describes the known keys, as the rest of "hold ...": "keys that Kafka 3.9.1 knows".
 */
export function unknownKey(key: string, known: string[], keys: string): Breach | undefined {
  if (known.includes(key)) {
    return undefined;
  }
  const near = nearest(key, known);
  return {
    rule: `hold ${keys}`,
    remedy: near === undefined ? "Leave it out" : `Write ${near}, or leave it out`,
  };
}

/** Rejects a value that a line of a properties file cannot contain without escapes. */
export function severalLines(value: string): Breach | undefined {
  const sound = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$|^$/.test(value) && !value.includes("\\");
  return breach(
    !sound,
    "hold values of one line of ASCII, without backslash and blanks at its ends",
    "Write it without them",
  );
}
