import Table from "cli-table3";

/** Prints lines to standard output. */
export function print(...lines: string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}

/** Prints progress to standard error. Standard output is for the result. */
export function tell(...lines: string[]): void {
  process.stderr.write(`${lines.join("\n")}\n`);
}

/** Prints a value as JSON. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, undefined, 2));
}

/** Whether output to this stream may have colours: a terminal, and NO_COLOR is not set. */
export function isColorful(stream: { isTTY?: boolean }, env = process.env): boolean {
  return stream.isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
}

const CODES = { bad: 31, good: 32, dim: 2, bold: 1 } as const;

/** Colours a text for standard output. Returns it unchanged if there are no colours. */
export function mark(kind: keyof typeof CODES, text: string): string {
  return isColorful(process.stdout) ? `\u001b[${CODES[kind]}m${text}\u001b[0m` : text;
}

/**
 * Formats rows as columns, separated by two spaces and without borders, so that `awk` can read them, too.
 *
 * @param right The right-aligned columns, by number from 0. @default none
 */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const parts = ["top", "bottom", "left", "right", "mid"] as const;
  const none = Object.fromEntries(
    parts.flatMap((part) => ["", "-mid", "-left", "-right"].map((end) => [`${part}${end}`, ""])),
  );
  const shown = new Table({
    chars: { ...none, middle: "  " },
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [], compact: true },
    colAligns: (rows[0] ?? []).map((_, column) => (right.includes(column) ? "right" : "left")),
  });
  shown.push(...rows.map((row) => [...row]));
  return shown
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

/** Formats a number of bytes. */
export function human(bytes: number): string {
  const mib = bytes / 2 ** 20;
  return mib < 1024 ? `${Math.ceil(mib)} MiB` : `${(mib / 1024).toFixed(1)} GiB`;
}

/** Formats a time span in its largest whole unit. */
export function age(seconds: number): string {
  const units = [
    ["day", 86_400],
    ["hour", 3600],
    ["minute", 60],
  ] as const;
  for (const [name, length] of units) {
    const count = Math.floor(seconds / length);
    if (count >= 1) {
      return `${count} ${name}${count === 1 ? "" : "s"}`;
    }
  }
  return "less than a minute";
}

/** Formats a time: `2026-01-31 08:15 UTC`. */
export function moment(iso: string): string {
  return `${iso.slice(0, 16).replace("T", " ")} UTC`;
}
