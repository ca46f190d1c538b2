import type * as z from "zod";
import { ApiError } from "../api-error";
import type { Values } from "../values";

/** A lookup function of the provider. */
export type Lookup = (args: Values) => Values | Promise<Values>;

/** Creates a lookup function that checks its arguments against a schema. */
export function lookup<Args extends Values>(
  schema: z.ZodType<Args>,
  find: (args: Args) => Values | Promise<Values>,
): Lookup {
  return (args) => {
    const { data, error } = schema.safeParse(args);
    if (error) {
      throw new ApiError("InvalidParameterValue", error.issues.map(reasonOf).join("; "));
    }
    return find(data);
  };
}

const reasonOf = (issue: z.core.$ZodIssue) =>
  issue.code === "unrecognized_keys"
    ? `the local cloud does not know the argument ${issue.keys.join(", ")}`
    : `${issue.path.join(".")}: ${issue.message}`;
