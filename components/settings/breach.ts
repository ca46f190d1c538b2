/** A broken rule: what the value must do, and what to do about it. */
export interface Breach {
  /** The rest of "it must ...". */
  rule: string;
  /** A sentence without its full stop. */
  remedy: string;
}
