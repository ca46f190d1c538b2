/** A summary of all runs of one row. */
export interface Summary {
  median: number;
  min: number;
  max: number;
  n: number;
}

/** Median and spread. Without runs they are NaN, which tables show as a dash. */
export function summary(values: number[] = []): Summary {
  const some = values.length > 0;
  return {
    median: median(values),
    min: some ? Math.min(...values) : NaN,
    max: some ? Math.max(...values) : NaN,
    n: values.length,
  };
}

/** The middle value, or the mean of the two middle values. */
export function median(values: number[] = []): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle)] ?? NaN)) / 2;
}

/** The ratio of two medians. */
export const ratio = (over: number[] = [], under: number[] = []) => median(over) / median(under);

/** The mean of ratios: that of 2 and 1/2 is 1. */
export function geometricMean(values: number[]): number {
  return Math.exp(mean(values.map(Math.log)));
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The geometric mean of the first values of all lists, of the second values, and so on to the end of the shortest. */
export function geometricMeans(lists: number[][]): number[] {
  const length = Math.min(...lists.map((list) => list.length));
  return Array.from({ length }, (_, index) =>
    geometricMean(lists.map((list) => list[index] ?? NaN)),
  );
}

/** Ratios of values that were measured in pairs. Leaves out a last value without a partner. */
export function pairedRatios(over: number[] = [], under: number[] = []): number[] {
  return over.slice(0, under.length).map((value, index) => value / (under[index] ?? NaN));
}

/** A mean with its 95 % interval. */
export interface Estimate {
  mean: number;
  /** NaN with fewer than two values. */
  low: number;
  high: number;
  n: number;
}

/** The geometric mean of ratios, with Student's interval for the mean of their logarithms. */
export function estimateRatio(ratios: number[]): Estimate {
  const logs = ratios.map(Math.log);
  const n = logs.length;
  const middle = mean(logs);
  const variance = logs.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (n - 1);
  const half = n < 2 ? NaN : studentT(n - 1) * Math.sqrt(variance / n);
  return { mean: Math.exp(middle), low: Math.exp(middle - half), high: Math.exp(middle + half), n };
}

/** Student's t for 1 to 10 degrees of freedom: 97.5 % of its distribution is below it. */
const STUDENT_T = [12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.306, 2.2622, 2.2281];
/** The same quantile of the normal distribution. */
const NORMAL = 1.959964;

/** Student's t with so many degrees of freedom: 97.5 % of its distribution is below it. */
export function studentT(degrees: number): number {
  const z = NORMAL;
  // Beyond the table, the error of this expansion around the normal distribution is below 0.0002.
  return (
    STUDENT_T[degrees - 1] ??
    z +
      (z ** 3 + z) / (4 * degrees) +
      (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2) +
      (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * degrees ** 3)
  );
}

/** A straight line through points (least squares), with its coefficient of determination. */
export interface Line {
  slope: number;
  intercept: number;
  /** 1 if all points are on the line. */
  r2: number;
}

/** Fits a straight line to at least two points. */
export function fit(points: [number, number][]): Line {
  const meanX = mean(points.map(([x]) => x));
  const meanY = mean(points.map(([, y]) => y));
  const sum = (of: (x: number, y: number) => number) =>
    points.reduce((total, [x, y]) => total + of(x - meanX, y - meanY), 0);
  const slope = sum((x, y) => x * y) / sum((x) => x * x);
  const intercept = meanY - slope * meanX;
  const around = sum((_, y) => y * y);
  const left = points.reduce((total, [x, y]) => total + (y - intercept - slope * x) ** 2, 0);
  return { slope, intercept, r2: around === 0 ? 1 : 1 - left / around };
}
