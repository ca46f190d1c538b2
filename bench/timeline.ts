import type { Finished } from "./run";

interface Span {
  started: number;
  ended: number;
}

/** Start and end times of the resources in a `pulumi up`, in this order, from its output. */
export function timeline({ lines, seconds }: Finished): string {
  const spans = new Map<string, Span>();
  for (const { at, text } of lines) {
    const [, name = "", state] = /^ \+ +\S+ (\S+) (creating|created)\b/.exec(text) ?? [];
    if (state !== undefined) {
      const span = spans.get(name) ?? { started: at, ended: at };
      spans.set(name, { ...span, ended: at });
    }
  }
  const rows = [...spans]
    .filter(([, { started, ended }]) => ended - started > 0.05)
    .sort(([, a], [, b]) => a.started - b.started)
    .map(([name, { started, ended }]) => row(name, started, ended));
  return ["", ...rows, row("end", seconds, seconds), ""].join("\n");
}

function row(name: string, started: number, ended: number): string {
  const column = (value: number) => value.toFixed(2).padStart(7);
  return `${column(started)} ${column(ended)} ${column(ended - started)}  ${name}`;
}
