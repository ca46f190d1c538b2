/** Prints one line of progress. Pulumi shows what the operator prints on stderr. */
export function report(line: string): void {
  process.stderr.write(`${line}\n`);
}
