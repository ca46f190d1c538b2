import type { Finished } from "./run";

/** The values of all runs, by measured row. In seconds, unless the part uses another unit. */
export type Samples = Record<string, number[]>;

/** The environment of a part. */
export interface Context {
  /** The number of rounds. */
  rounds: number;
  /** Whether to measure with few records, only to see that the part works. */
  isTrial: boolean;
  /** A temporary directory of this run. */
  directory: string;
  /** Records and prints one value of a row. */
  note: (row: string, value: number, unit?: string) => void;
  /** Prints progress. */
  say: (text: string) => void;
  /** Records a version, or another fact that affects the values. */
  fact: (name: string, text: string) => void;
  /** Records a `pulumi up` for `--timeline`. */
  trace: (finished: Finished) => void;
}

/** A curve with its (x, y) points. */
export interface Curve {
  label: string;
  points: [number, number][];
}

/** A plot. `plot.py` draws it to `results/<file>.svg`. */
export interface Plot {
  file: string;
  title: string;
  x: string;
  y: string;
  curves: Curve[];
}

/** A part of the bench. It is independent of other parts, and removes its resources, also those of a killed run. */
export interface Part {
  name: string;
  /** A title, and one or two sentences about the comparison. */
  title: string;
  description: string;
  measure: (context: Context) => Promise<void>;
  /** Removes the resources of `measure` or of a killed run. It runs before and after `measure`. */
  remove: () => Promise<void>;
  /** Returns Markdown: first the ratios with their goals, then the values. */
  report: (samples: Samples) => string;
  plots?: (samples: Samples) => Plot[];
}
