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
      const [{ path, message } = { path: [], message: "" }] = error.issues;
      throw new ApiError("InvalidParameterValue", `${path.join(".")}: ${message}`);
    }
    return find(data);
  };
}
