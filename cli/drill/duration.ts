/** Returns the seconds between two times in ms, rounded to a tenth. */
export function secondsBetween(startMs: number, endMs: number): number {
  return Math.round((endMs - startMs) / 100) / 10;
}
