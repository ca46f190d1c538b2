import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "./machine";
import type { Part, Samples } from "./part";

/** Figures of one part, and where they are from. */
export interface Result {
  part: string;
  date: string;
  /** What was measured; "+" says that not all of it was committed. */
  commit: string;
  rounds: number;
  machine: Machine;
  samples: Samples;
}

/** Where results are kept; plots are beside them. */
export const RESULTS = join(__dirname, "results");
export const PAGE = join(__dirname, "RESULTS.md");

/** Reads the results that are kept, in the order of the parts. */
export function readResults(parts: Part[]): Result[] {
  return parts
    .map(({ name }) => join(RESULTS, `${name}.json`))
    .filter((file) => existsSync(file))
    .map((file) => JSON.parse(readFileSync(file, "utf8")) as Result);
}

/** Keeps a result, in place of the one before. */
export function keepResult(result: Result): void {
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, `${result.part}.json`), `${JSON.stringify(result, null, 2)}\n`);
}

/** Removes the plots that are there, so that none is left of a curve that is no more. */
export function removePlots(): void {
  mkdirSync(RESULTS, { recursive: true });
  for (const file of readdirSync(RESULTS).filter((name) => name.endsWith(".svg"))) {
    rmSync(join(RESULTS, file));
  }
}

/** The page of all results. */
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

/** One part of the page; without a directory there are no plots. */
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
