/** A broken rule and its remedy. */
export interface Breach {
  /** The rest of "it must ...". */
  rule: string;
  /** A sentence without its full stop. */
  remedy: string;
}
