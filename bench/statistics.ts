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

/** A straight line through points (least squares), with its coefficient of determination. */
export interface Line {
  slope: number;
  intercept: number;
  /** 1 if all points are on the line. */
  r2: number;
}

/** Fits a straight line to at least two points. */
export function fit(points: [number, number][]): Line {
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
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
