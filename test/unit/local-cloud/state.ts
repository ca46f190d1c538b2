import type { State, StoredResource } from "../../../local-cloud/machine/store";

/** A record, as far as a test cares. */
export type Parts = Pick<StoredResource, "id" | "type" | "inputs"> & Partial<StoredResource>;

/** The state with these records, in this order. */
export function stateOf(parts: Parts[]): State {
  const records = parts.map((part, sequence) => [
    part.id,
    { urn: "", run: "", acknowledged: true, sequence, chosen: {}, ...part },
  ]);
  return { nextSequence: parts.length, sysctls: {}, records: Object.fromEntries(records) as never };
}
