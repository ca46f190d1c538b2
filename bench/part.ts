import type { Finished } from "./run";

/** Plain figures of every run, by what was measured: seconds, if its part does not say otherwise. */
export type Samples = Record<string, number[]>;

/** What a part may use, and where its figures go. */
export interface Context {
  /** How many rounds are asked for. */
  rounds: number;
  /** A directory of this run, gone at its end. */
  directory: string;
  /** Keeps one figure of a row, and says so. */
  note: (row: string, value: number, unit?: string) => void;
  /** Says something to the person who waits. */
  say: (text: string) => void;
  /** Keeps a version, or another fact on which the figures depend. */
  fact: (name: string, text: string) => void;
  /** Keeps the `pulumi up` that `--timeline` shows. */
  trace: (finished: Finished) => void;
}

/** A curve with its points, as (x, y). */
export interface Curve {
  label: string;
  points: [number, number][];
}

/** A plot, as `plot.py` draws it to `results/<file>.svg`. */
export interface Plot {
  file: string;
  title: string;
  x: string;
  y: string;
  curves: Curve[];
}

/** A part of the bench: it stands alone, leaves nothing behind, and removes what it left when killed. */
export interface Part {
  name: string;
  /** A title and a sentence or two that say what is compared. */
  title: string;
  description: string;
  measure: (context: Context) => Promise<void>;
  /** Removes what `measure` has made, or a killed run of it. Run before and after. */
  remove: () => Promise<void>;
  /** Markdown: ratios with their goals first, then the figures. */
  report: (samples: Samples) => string;
  plots?: (samples: Samples) => Plot[];
}
