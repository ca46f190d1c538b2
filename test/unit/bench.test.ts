import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readArguments } from "../../bench/arguments";
import type { Part } from "../../bench/part";
import { PARTS } from "../../bench/parts";
import { growth } from "../../bench/parts/growth";
import { lab } from "../../bench/parts/lab";
import { page, PAGE, readResults, RESULTS, type Result } from "../../bench/results";
import {
  estimateRatio,
  fit,
  geometricMean,
  geometricMeans,
  median,
  pairedRatios,
  ratio,
  studentT,
  summary,
} from "../../bench/statistics";
import { goalTable, rowTable } from "../../bench/tables";

describe("the bench's arguments", () => {
  const parts = ["lab", "growth", "fresh"];
  const none = {
    ...{ write: false, page: false, json: false, timeline: false, trial: false },
    rounds: 3,
  };

  test.each([
    [[], { ...none, parts: ["lab"] }],
    [["fresh", "lab", "--write"], { ...none, parts: ["lab", "fresh"], write: true }],
    [["all", "--json"], { ...none, parts, json: true }],
    [["--timeline"], { ...none, parts: ["lab"], timeline: true }],
    [["growth", "--trial"], { ...none, parts: ["growth"], trial: true }],
  ])("%j", (argv, read) => {
    expect(readArguments(argv, parts)).toEqual(read);
  });

  test("say what is to be had where one is wrong", () => {
    expect(() => readArguments(["--fast"], parts)).toThrow(
      "bench knows --write, --page, --json, --timeline, --trial; got --fast",
    );
    expect(() => readArguments(["kafka"], parts)).toThrow(
      "bench has the parts lab, growth, fresh (or all); got kafka",
    );
    expect(() => readArguments([], parts, "0")).toThrow(
      "RUNS must be a whole number, 1 or more; got 0",
    );
  });

  test("keep no values of a trial", () => {
    expect(() => readArguments(["--trial", "--write"], parts)).toThrow(
      "--write keeps values, and those of --trial must not be kept; leave out one of them",
    );
  });
});

describe("the bench's statistics", () => {
  test("the median is the middle of the sorted values, or the mean of two", () => {
    expect(median([9, 1, 10])).toBe(9);
    expect(median([10, 1, 3, 9])).toBe(6);
    expect(median([])).toBeNaN();
  });

  test("the spread goes from the least to the largest", () => {
    expect(summary([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3, n: 3 });
    expect(summary()).toEqual({ median: NaN, min: NaN, max: NaN, n: 0 });
  });

  test("a ratio is that of medians", () => {
    expect(ratio([2, 4, 100], [1, 2, 3])).toBe(2);
  });

  test("the mean of ratios is geometric, also that of each pair in several lists", () => {
    expect(geometricMean([2, 0.5])).toBeCloseTo(1);
    const [first, second, ...others] = geometricMeans([[2, 9, 5], [8, 4]]); // prettier-ignore
    expect(first).toBeCloseTo(4);
    expect(second).toBeCloseTo(6);
    expect(others).toEqual([]);
  });

  test("pairs are values with the same index, and the last may have no partner", () => {
    expect(pairedRatios([2, 9, 5], [4, 3])).toEqual([0.5, 3]);
    expect(pairedRatios([2], [4, 3])).toEqual([0.5]);
    expect(pairedRatios(undefined, [4])).toEqual([]);
  });

  // From a table of Student's distribution.
  test.each([
    [1, 12.706],
    [2, 4.303],
    [10, 2.228],
    [11, 2.201],
    [20, 2.086],
    [60, 2.0],
    [1000, 1.962],
  ])("Student's t with %d degrees of freedom is %d", (degrees, t) => {
    expect(studentT(degrees)).toBeCloseTo(t, 3);
  });

  test("the interval of ratios is that of their logarithms", () => {
    // The logarithms are ln 0.5 and twice ln 1; their mean is -0.2310, its standard error 0.2310.
    const { mean, low, high, n } = estimateRatio([0.5, 1, 1]);
    expect(n).toBe(3);
    expect(mean).toBeCloseTo(0.7937, 4);
    expect(low).toBeCloseTo(Math.exp(-0.23105 - 4.3027 * 0.23105), 4);
    expect(high).toBeCloseTo(Math.exp(-0.23105 + 4.3027 * 0.23105), 4);
  });

  test("one ratio has no interval, and none has no mean", () => {
    expect(estimateRatio([0.5])).toEqual({ mean: 0.5, low: NaN, high: NaN, n: 1 });
    expect(estimateRatio([])).toEqual({ mean: NaN, low: NaN, high: NaN, n: 0 });
  });

  test("a line has the slope and the start of its points", () => {
    expect(fit([[3, 7], [6, 13], [12, 25]])).toEqual({ slope: 2, intercept: 1, r2: 1 }); // prettier-ignore
    const bent = fit([[0, 0], [1, 1], [2, 4]]); // prettier-ignore
    expect(bent.slope).toBeCloseTo(2);
    expect(bent.intercept).toBeCloseTo(-1 / 3);
    expect(bent.r2).toBeCloseTo(12 / 13);
  });
});

describe("the bench's tables", () => {
  test("goals are met, missed or not measured, from both sides", () => {
    const goals = [
      { what: "a", value: 1.3, goal: 1.3 },
      { what: "b", value: 1.31, goal: 1.3 },
      { what: "c", value: 0.9, goal: 0.95, bound: "at least" as const },
      { what: "d", value: NaN, goal: 3, unit: "s" },
    ];
    expect(goalTable(goals)).toBe(
      [
        "| what | measured | goal |  |",
        "| --- | --- | --- | --- |",
        "| a | 1.30 | at most 1.3 | met |",
        "| b | 1.31 | at most 1.3 | **missed** |",
        "| c | 0.90 | at least 0.95 | **missed** |",
        "| d | – | at most 3 s | not measured |",
        "",
      ].join("\n"),
    );
  });

  test("rows are those that have a label", () => {
    expect(rowTable({ up: "made", down: "gone" }, { up: [1, 2, 4], other: [9] })).toBe(
      [
        "| what | median | min–max | n |",
        "| --- | --- | --- | --- |",
        "| made | 2.0 s | 1.0–4.0 s | 3 |",
        "| gone | – | – | 0 |",
        "",
      ].join("\n"),
    );
  });
});

describe("the parts of the bench", () => {
  test("the lab's ratios are those of its rows", () => {
    const samples = {
      npmUp: [6],
      up: [5],
      floor: [4],
      "book.usual": [20],
      noOp: [2],
      emptyNoOp: [1],
    };
    const text = lab.report(samples);
    expect(text).toContain(
      "| `npm run up` / the book's way, usual | 0.30 | at most 0.25 | **missed** |",
    );
    expect(text).toContain(
      "| `npm run up` / the book's way, tuned | – | at most 0.5 | not measured |",
    );
    expect(text).toContain("| `pulumi up` / by hand | 1.25 | at most 1.3 | met |");
    expect(text).toContain("| no-op / empty components | 2.00 | at most 1.5 | **missed** |");
    expect(text).toContain("| no-op | 2.00 s | at most 3 s | met |");
  });

  test("growth tells a straight line from one that bends", () => {
    const straight = { "up.3": [10], "up.6": [16], "up.9": [22], "up.12": [28] };
    const bent = { "preview.3": [1], "preview.30": [2], "preview.100": [9], "preview.300": [90] };
    const text = growth.report({ ...straight, ...bent });
    expect(text).toContain("| `pulumi preview` of 100 brokers | 9.00 s | at most 10 s | met |");
    expect(text).toContain(
      "| `pulumi up`, from no hosts | 2000 ms | 4.0 s | 1.000 | 2000 ms | 2000 ms | linear |",
    );
    expect(text).toMatch(
      /`pulumi preview`, from no hosts .* 37 ms \| 405 ms \| \*\*not linear\*\*/,
    );
    expect(text).toContain("| `pulumi destroy` | not measured |");
  });

  test("growth draws every sample, and no curve that has none", () => {
    const [plot, ...others] = growth.plots?.({ "up.3": [10, 12], "up.6": [16] }) ?? [];
    expect(plot?.curves).toEqual([
      { label: "pulumi up, from no hosts", points: [[3, 10], [3, 12], [6, 16]] }, // prettier-ignore
    ]);
    expect(others).toEqual([]);
  });
});

describe("the page of results", () => {
  const part: Part = {
    name: "lab",
    title: "A title",
    description: "What it is.",
    measure: () => Promise.resolve(),
    remove: () => Promise.resolve(),
    report: (samples) => `up: ${samples["up"]?.join(" ")}\n`,
    plots: () => [{ file: "curve", title: "A curve", x: "x", y: "y", curves: [] }],
  };
  const result: Result = {
    part: "lab",
    date: "2026-01-02",
    commit: "0123456789",
    rounds: 3,
    machine: { node: "v20" },
    samples: { up: [1, 2] },
  };

  test("has of each part its figures, its plots, and where they are from", () => {
    expect(page([part], [result])).toContain(
      [
        "## A title (`lab`)",
        "What it is.",
        "up: 1 2",
        "![A curve](results/curve.svg)",
        "Measured on: date 2026-01-02; commit 0123456789; rounds 3; node v20.",
      ].join("\n\n"),
    );
  });

  test("is what the kept results give, and all its plots are there", () => {
    const results = readResults(PARTS);
    expect(existsSync(PAGE) ? readFileSync(PAGE, "utf8") : undefined).toBe(
      results.length === 0 ? undefined : page(PARTS, results),
    );
    for (const { part: name, samples } of results) {
      for (const { file } of PARTS.find((one) => one.name === name)?.plots?.(samples) ?? []) {
        expect(existsSync(join(RESULTS, `${file}.svg`)), file).toBe(true);
      }
    }
  });

  test("names no place of the machine that it was written on", () => {
    const texts = readResults(PARTS).map((kept) => JSON.stringify(kept));
    expect(texts.join("\n")).not.toMatch(/"[^"]*\/(root|home|tmp|var|usr|opt|work)\//);
  });
});
