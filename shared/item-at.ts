/** Returns an item of a list. Throws if the index is out of range. */
export function itemAt<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) {
    throw new Error(`a list of ${items.length} has no item ${index}`);
  }
  return item;
}
