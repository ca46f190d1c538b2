import type * as z from "zod";
import { ApiError } from "../api-error";
import type { Values } from "../values";

/** A look-up of the provider: its arguments in, its result out. */
export type Lookup = (args: Values) => Values | Promise<Values>;

/** Makes a look-up that refuses arguments of other types than the schema's. */
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
