/**
 * Runs all tasks, `limit` of them in parallel, even if some fail.
 *
 * @returns The results in the order of the tasks.
 */
export async function atMost<T>(
  limit: number,
  tasks: readonly (() => Promise<T>)[],
): Promise<PromiseSettledResult<T>[]> {
  const queue = [...tasks.entries()];
  const results: PromiseSettledResult<T>[] = [];
  const work = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [index, task] = next;
      [results[index]] = await Promise.allSettled([task()]);
    }
  };
  await Promise.all(Array.from({ length: limit }, work));
  return results;
}

/** Returns the errors of failed tasks. */
export function failuresOf(results: readonly PromiseSettledResult<unknown>[]): unknown[] {
  return results.filter((each) => each.status === "rejected").map(({ reason }): unknown => reason);
}

/** Returns the results of all tasks. Throws the first error of a failed task. */
export function valuesOf<T>(results: readonly PromiseSettledResult<T>[]): T[] {
  return results.map((each) => {
    if (each.status === "rejected") {
      throw each.reason;
    }
    return each.value;
  });
}
