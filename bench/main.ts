/**
 * Measures the lab and compares it with other ways to create it. See CONTRIBUTING.md.
 *
 *   npm run bench -- [PART...|all] [--write|--trial] [--json] [--timeline]
 *   npm run bench -- --page
 *
 * RUNS is the number of rounds (default 3). With KEEP=1 a failed part keeps its resources until the next run,
 * so that the user can inspect them.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../shared/message-of";
import { type Arguments, readArguments } from "./arguments";
import { TOP } from "./lab";
import { commit, describeMachine, load } from "./machine";
import type { Part, Plot, Samples } from "./part";
import { PARTS } from "./parts";
import { python } from "./python";
import { keepResult, page, PAGE, readResults, removePlots, RESULTS, section } from "./results";
import { run, wasInterrupted, type Finished } from "./run";
import { summary } from "./statistics";
import { timeline } from "./timeline";

async function main(): Promise<void> {
  const names = PARTS.map(({ name }) => name);
  const wanted = readArguments(process.argv.slice(2), names, process.env["RUNS"]);
  if (wanted.page) {
    return writePage();
  }
  const json: Record<string, unknown> = {};
  for (const part of PARTS.filter(({ name }) => wanted.parts.includes(name))) {
    let trace: Finished | undefined;
    const { result, passed } = await measure(part, wanted, (finished) => {
      trace = finished;
    });
    if (wanted.json) {
      const rows = Object.entries(result.samples);
      const summaries = Object.fromEntries(rows.map(([row, values]) => [row, summary(values)]));
      json[part.name] = { ...result, passed, summaries };
    } else {
      process.stdout.write(`${section(part, result)}\n\n`);
    }
    if (trace !== undefined && wanted.timeline) {
      process.stdout.write(timeline(trace));
    }
    if (wanted.write && passed) {
      keepResult(result);
    }
    if (wasInterrupted()) {
      break;
    }
  }
  if (wanted.json) {
    process.stdout.write(`${JSON.stringify(json, null, 2)}\n`);
  }
  if (wanted.write && !wasInterrupted()) {
    await writePage();
  }
}

/** Runs a part. Keeps the measurements from before a failure. */
async function measure(
  part: Part,
  { rounds, trial }: Pick<Arguments, "rounds" | "trial">,
  trace: (finished: Finished) => void,
) {
  const directory = join(TOP, "run");
  const samples: Samples = {};
  const facts: Record<string, string> = {};
  const say = (text: string) => process.stderr.write(`bench: ${part.name}: ${text}\n`);
  const loadBefore = load();
  let passed = false;
  try {
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    await part.remove();
    await part.measure({
      rounds,
      isTrial: trial,
      directory,
      say,
      trace,
      note(row, value, unit = "s") {
        if (wasInterrupted()) {
          throw new Error("interrupted");
        }
        (samples[row] ??= []).push(Number(value.toFixed(3)));
        say(`${row} ${value.toFixed(1)} ${unit}`);
      },
      fact(name, text) {
        facts[name] = text;
      },
    });
    passed = true;
  } catch (error) {
    process.exitCode = 1;
    say(wasInterrupted() ? "interrupted; removing its resources" : `failed: ${messageOf(error)}`);
  }
  rmSync(directory, { recursive: true, force: true });
  if (passed || process.env["KEEP"] !== "1" || wasInterrupted()) {
    await part.remove().catch((error: unknown) => {
      process.exitCode = 1;
      say(`not all of its resources were removed; the next run tries again: ${messageOf(error)}`);
    });
  }
  if (existsSync(TOP) && readdirSync(TOP).length === 0) {
    rmSync(TOP, { recursive: true });
  }
  const machine = { ...(await describeMachine(loadBefore)), ...facts };
  const date = new Date().toISOString().slice(0, 10);
  const result = { part: part.name, date, commit: await commit(), rounds, machine, samples };
  return { result, passed };
}

/** Writes the page with all results and plots. */
async function writePage(): Promise<void> {
  const results = readResults(PARTS);
  const plots = results.flatMap<Plot>(({ part, samples }) => {
    return PARTS.find(({ name }) => name === part)?.plots?.(samples) ?? [];
  });
  removePlots();
  if (plots.length > 0) {
    await run([await python(), join(__dirname, "plot.py"), RESULTS], {
      env: process.env,
      limitSeconds: 60,
      input: JSON.stringify(plots),
    });
  }
  writeFileSync(PAGE, page(PARTS, results));
}

main().catch((error: unknown) => {
  process.stderr.write(`bench: ${messageOf(error)}\n`);
  process.exitCode = 1;
});
