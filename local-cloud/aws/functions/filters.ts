import * as z from "zod";

/** EC2's filters of a lookup. A resource matches a filter if it has one of the values. */
export const FILTERS = z.array(z.object({ name: z.string(), values: z.array(z.string()) }));

/** Whether a value matches a pattern of EC2's filters: `*` for anything, `?` for one character. */
export function matches(pattern: string, value: string): boolean {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`).test(value);
}
