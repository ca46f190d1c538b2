import { type Breach } from "./breach";
import { type Rule } from "./define";

/** Returns a breach if the rule is broken. */
export function breach(broken: boolean, rule: string, remedy: string): Breach | undefined {
  return broken ? { rule, remedy } : undefined;
}

/** A rule that depends only on the value. */
export function rule<T>(text: string, broken: (value: T) => boolean, remedy: string): Rule<T> {
  return { text, check: (value) => breach(broken(value), text, remedy) };
}

/** A range of numbers, including both ends. */
export function between(from: number, to: number, remedy: string, unit = ""): Rule<number> {
  const text = `be from ${from} to ${to}${unit && ` (${unit})`}`;
  return rule(text, (value) => value < from || value > to, remedy);
}

/** The rule for a heap, in MiB. */
export const heap = between(
  64,
  65_536,
  "Take 512 for ZooKeeper and 1024 or more for a broker",
  "MiB",
);
