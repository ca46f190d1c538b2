import * as z from "zod";

/** EC2's filters of a lookup. A resource matches a filter if it has one of the values. */
export const FILTERS = z.array(z.object({ name: z.string(), values: z.array(z.string()) }));
