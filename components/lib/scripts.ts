import { createHash } from "node:crypto";

/** A short hash of the values. */
export function fingerprint(...values: unknown[]): string {
  return createHash("sha256").update(JSON.stringify(values)).digest("hex").slice(0, 16);
}
