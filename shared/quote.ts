/** Quotes a value so that a POSIX shell reads it back unchanged. */
export function shellQuote(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}
