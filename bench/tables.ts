import type { Samples } from "./part";
import { summary } from "./statistics";

/** A value with a goal. */
export interface Goal {
  what: string;
  value: number;
  goal: number;
  /** Whether the goal is an upper bound (the default) or a lower bound. */
  bound?: "at most" | "at least";
  unit?: string;
}

/** A Markdown table of values with their goals. It shows whether each goal is met. */
export function goalTable(goals: Goal[]): string {
  return table(
    ["what", "measured", "goal", ""],
    goals.map(({ what, value, goal, bound = "at most", unit }) => {
      const met = bound === "at most" ? value <= goal : value >= goal;
      return [
        what,
        withUnit(value, unit, 2),
        `${bound} ${goal}${unit === undefined ? "" : ` ${unit}`}`,
        Number.isNaN(value) ? "not measured" : met ? "met" : "**missed**",
      ];
    }),
  );
}

/** A Markdown table of medians and spread, with a line for each row that has a label. */
export function rowTable(labels: Record<string, string>, samples: Samples, unit = "s"): string {
  return table(
    ["what", "median", "min–max", "n"],
    Object.entries(labels).map(([row, label]) => {
      const { median, min, max, n } = summary(samples[row]);
      const spread = n === 0 ? "–" : `${number(min)}–${withUnit(max, unit)}`;
      return [label, withUnit(median, unit), spread, String(n)];
    }),
  );
}

/** A Markdown table. */
export function table(head: string[], rows: string[][]): string {
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |\n`).join("");
}

/** Formats a value. A missing value is a dash. */
export const number = (value: number, digits = 1) =>
  Number.isFinite(value) ? value.toFixed(digits) : "–";

function withUnit(value: number, unit?: string, digits?: number): string {
  const text = number(value, digits);
  return unit === undefined || !Number.isFinite(value) ? text : `${text} ${unit}`;
}
