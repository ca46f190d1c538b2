import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "./machine";
import type { Part, Samples } from "./part";

/** The values of one part, and their origin. */
export interface Result {
  part: string;
  date: string;
  /** The measured commit. A "+" means uncommitted changes. */
  commit: string;
  rounds: number;
  machine: Machine;
  samples: Samples;
}

/** The directory of results and plots. */
export const RESULTS = join(__dirname, "results");
export const PAGE = join(__dirname, "RESULTS.md");

/** Reads the stored results, in the order of the parts. */
export function readResults(parts: Part[]): Result[] {
  return parts
    .map(({ name }) => join(RESULTS, `${name}.json`))
    .filter((file) => existsSync(file))
    .map((file) => JSON.parse(readFileSync(file, "utf8")) as Result);
}

/** Stores a result. Replaces the former one. */
export function keepResult(result: Result): void {
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, `${result.part}.json`), `${JSON.stringify(result, null, 2)}\n`);
}

/** Removes all plots, so that none remains of a former curve. */
export function removePlots(): void {
  mkdirSync(RESULTS, { recursive: true });
  for (const file of readdirSync(RESULTS).filter((name) => name.endsWith(".svg"))) {
    rmSync(join(RESULTS, file));
  }
}

/** Renders the page of all results. */
export function page(parts: Part[], results: Result[]): string {
  return [
    "# Results of the bench",
    "`npm run bench -- PART... --write` generates this page from the samples in [results/](results/). Do not edit it by hand. [CONTRIBUTING](../CONTRIBUTING.md#bench) describes how to run the bench.",
    ...results.map((result) => {
      const part = parts.find(({ name }) => name === result.part);
      return part === undefined ? "" : section(part, result, "results");
    }),
  ]
    .join("\n\n")
    .concat("\n");
}

/** Renders one part of the page. Without a directory it has no plots. */
export function section(part: Part, result: Result, plots?: string): string {
  const { date, commit, rounds, machine, samples } = result;
  const facts = Object.entries({ date, commit, rounds: String(rounds), ...machine });
  return [
    `## ${part.title} (\`${part.name}\`)`,
    part.description,
    part.report(samples).trimEnd(),
    ...(plots === undefined ? [] : (part.plots?.(samples) ?? [])).map(
      ({ file, title }) => `![${title}](${plots}/${file}.svg)`,
    ),
    `Measured on: ${facts.map(([name, value]) => `${name} ${value}`).join("; ")}.`,
  ].join("\n\n");
}
