import type { Machine } from "./machine";

/** What is measured, and what it is called in the table. */
const ROWS = {
  up: "no hosts → smoke test passed: pulumi up",
  floor: "the same by hand (bench/floor.sh)",
  npmUp: "npm run up, from nothing",
  noOp: "pulumi up, nothing to do",
  emptyNoOp: "the same with as many empty components",
  npmUpAgain: "npm run up, nothing to do",
  destroy: "pulumi destroy",
  npmDestroy: "npm run destroy",
};

/** Seconds of every run, by what was run. */
export type Samples = { [name in keyof typeof ROWS]?: number[] };

interface Summary {
  median: number;
  min: number;
  max: number;
  n: number;
}

/** The figures as a Markdown table, or as JSON. */
export function report(samples: Samples, machine: Machine, json: boolean): string {
  const names = Object.keys(ROWS) as (keyof typeof ROWS)[];
  const ratios = {
    upToFloor: ratio(samples.up, samples.floor),
    noOpToEmpty: ratio(samples.noOp, samples.emptyNoOp),
  };
  if (json) {
    const summaries = Object.fromEntries(names.map((name) => [name, summary(samples[name] ?? [])]));
    return `${JSON.stringify({ machine, summaries, ratios, samples }, null, 2)}\n`;
  }
  const rows = names.map((name) => {
    const { median, min, max, n } = summary(samples[name] ?? []);
    return `| ${ROWS[name]} | ${fixed(median)} s | ${fixed(min)}–${fixed(max)} s | ${n} |`;
  });
  return [
    "| what | median | min–max | n |",
    "| --- | --- | --- | --- |",
    ...rows,
    `| ratio: pulumi up to the same by hand | ${ratios.upToFloor.toFixed(2)} (goal 1.5) | | |`,
    `| ratio: nothing to do to empty components | ${ratios.noOpToEmpty.toFixed(2)} (goal 2) | | |`,
    "",
    ...Object.entries(machine).map(([name, value]) => `${name}: ${value}`),
    "",
  ].join("\n");
}

function summary(values: number[]): Summary {
  return {
    median: median(values),
    min: Math.min(...values),
    max: Math.max(...values),
    n: values.length,
  };
}

function ratio(over: number[] = [], under: number[] = []): number {
  return median(over) / median(under);
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const pair = [sorted[Math.ceil(middle) - 1] ?? NaN, sorted[Math.floor(middle)] ?? NaN];
  return ((pair[0] ?? NaN) + (pair[1] ?? NaN)) / 2;
}

const fixed = (seconds: number) => seconds.toFixed(1);
