import { valuesOf } from "./at-most";

/**
 * Returns all results, like `Promise.all`, but waits until all promises have settled before it throws the
 * first error. So nothing continues in the background after an error.
 */
export async function settleAll<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  return valuesOf(await Promise.allSettled(promises));
}
