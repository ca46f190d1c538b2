/**
 * Returns all results, like `Promise.all`, but waits until all promises have settled before it throws the
 * first error. So nothing continues in the background after an error.
 */
export async function settleAll<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const ended = await Promise.allSettled(promises);
  return ended.map((each) => {
    if (each.status === "rejected") {
      throw each.reason;
    }
    return each.value;
  });
}
