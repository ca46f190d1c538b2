import { readState, type State, type StoredResource } from "../machine/store";
import { ApiError } from "./api-error";
import type { Kind } from "./kind";
import type { Values } from "./values";

/**
 * Whether a record is of the kind. The type token is enough, because the local cloud checks the inputs with
 * the kind's schema before it writes a record.
 */
export function isOf<Inputs extends Values, Chosen extends Values>(
  kind: Kind<Inputs, Chosen>,
  record: StoredResource | undefined,
): record is StoredResource<Inputs, Chosen> {
  return record?.type === kind.token;
}

/** Returns the record of a kind by its id, even during its removal. */
export function find<Inputs extends Values, Chosen extends Values>(
  state: State,
  kind: Kind<Inputs, Chosen>,
  id: string | undefined,
): StoredResource<Inputs, Chosen> | undefined {
  const record = id === undefined ? undefined : state.records[id];
  return isOf(kind, record) ? record : undefined;
}

/** Like {@link find}, in the last written state. */
export const findNow = <Inputs extends Values, Chosen extends Values>(
  kind: Kind<Inputs, Chosen>,
  id: string | undefined,
) => find(readState(), kind, id);

/** All records of one kind, in creation order. */
export function recordsOf<Inputs extends Values, Chosen extends Values>(
  state: State,
  kind: Kind<Inputs, Chosen>,
): StoredResource<Inputs, Chosen>[] {
  return Object.values(state.records)
    .filter((record) => isOf(kind, record))
    .sort((a, b) => a.sequence - b.sequence);
}

/** The records of one kind, without those in removal. */
export const living = <Inputs extends Values, Chosen extends Values>(
  state: State,
  kind: Kind<Inputs, Chosen>,
) => recordsOf(state, kind).filter((record) => !record.leaving);

/** The records of a kind whose input `name` has this value. */
export const having = <Inputs extends Values, Chosen extends Values, Name extends keyof Inputs>(
  state: State,
  kind: Kind<Inputs, Chosen>,
  input: Name,
  value: Inputs[Name],
) => recordsOf(state, kind).filter((record) => record.inputs[input] === value);

/** Returns the record of a kind by its id. Throws AWS's error if the id does not exist. */
export function mustExist<Inputs extends Values, Chosen extends Values>(
  state: State,
  kind: Kind<Inputs, Chosen>,
  id: string,
): StoredResource<Inputs, Chosen> {
  const record = find(state, kind, id);
  if (record && !record.leaving) {
    return record;
  }
  const { code, what } = kind.notFound ?? { code: "InvalidParameterValue", what: kind.token };
  throw new ApiError(code, `The ${what} '${id}' does not exist`);
}

/** The name in a resource's tags. @default its id */
export function nameOf({ id, inputs }: StoredResource<{ tags?: { [name: string]: string } }>) {
  return inputs.tags?.["Name"] ?? id;
}
