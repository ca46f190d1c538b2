import { isLosslessNumber, LosslessNumber, parse, stringify } from "lossless-json";
import { type Breach } from "./breach";

/** The form in which Pulumi passes a YAML date. */
const GO_TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [+-]\d{4} \S+$/;

/**
 * Parses a setting that is a list or an object; undefined if the text is not JSON. A number that
 * JavaScript would round becomes an object that keeps its digits.
 */
export function parseJson(text: string): unknown {
  try {
    return parse(text, undefined, {
      parseNumber: (digits) =>
        String(Number(digits)) === digits ? Number(digits) : new LosslessNumber(digits),
    });
  } catch {
    return undefined;
  }
}

/** Whether a JSON value is an object and not a list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !isLosslessNumber(value)
  );
}

/** Whether a value is a string, a number or a boolean, so that `String(value)` is its text. */
export function isScalar(value: unknown): value is string | number | boolean | LosslessNumber {
  return ["string", "number", "boolean"].includes(typeof value) || isLosslessNumber(value);
}

/** Rejects values that are not scalars, and scalars that Pulumi changes. */
export function scalar(value: unknown): Breach | undefined {
  const remedy = "Write the value in quotes";
  if (!isScalar(value)) {
    return {
      rule: "hold a text, a number, true or false for each key",
      remedy: "Write a key with dots in quotes, and give it a value or leave it out",
    };
  }
  if (typeof value === "string") {
    return GO_TIME.test(value)
      ? { rule: "hold no dates without quotes, which Pulumi rewrites", remedy }
      : undefined;
  }
  return typeof value === "boolean" || isExact(String(value))
    ? undefined
    : { rule: "hold numbers of at most 64 bits, since Pulumi rounds larger ones", remedy };
}

/** Whether Pulumi passes a number unchanged: it keeps integers of up to 64 bits. */
function isExact(digits: string): boolean {
  if (!/^-?\d+$/.test(digits)) {
    return Math.abs(Number(digits)) < 2 ** 53;
  }
  return BigInt.asIntN(64, BigInt(digits)) === BigInt(digits);
}

/** Formats a value for an error message. */
export function show(value: unknown): string {
  return Array.isArray(value) && value.length === 0 ? "none" : (stringify(value) ?? "none");
}
