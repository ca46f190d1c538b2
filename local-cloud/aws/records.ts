import { readState, type State, type StoredResource } from "../machine/store";
import { ApiError } from "./api-error";
import type { Kind } from "./kind";
import type { Values } from "./values";

/**
 * Whether a record is of the kind. The local cloud writes a record only after the check by the kind's
 * schema, so the type token decides.
 */
export function isOf<Inputs extends Values, Chosen extends Values>(
  kind: Kind<Inputs, Chosen>,
  record: StoredResource | undefined,
): record is StoredResource<Inputs, Chosen> {
  return record?.type === kind.token;
}

/** The record of that kind with that id, if there is one, even if it is being removed. */
export function find<Inputs extends Values, Chosen extends Values>(
  state: State,
  kind: Kind<Inputs, Chosen>,
  id: string | undefined,
): StoredResource<Inputs, Chosen> | undefined {
  const record = id === undefined ? undefined : state.records[id];
  return isOf(kind, record) ? record : undefined;
}

/** As {@link find}, in the state as last written. */
export const findNow = <Inputs extends Values, Chosen extends Values>(
  kind: Kind<Inputs, Chosen>,
  id: string | undefined,
) => find(readState(), kind, id);

/** All records of one kind, in the order of their creation. */
export function recordsOf<Inputs extends Values, Chosen extends Values>(
  state: State,
  kind: Kind<Inputs, Chosen>,
): StoredResource<Inputs, Chosen>[] {
  return Object.values(state.records)
    .filter((record) => isOf(kind, record))
    .sort((a, b) => a.sequence - b.sequence);
}

/** The records of one kind that are not being removed. */
export const living = <Inputs extends Values, Chosen extends Values>(
  state: State,
  kind: Kind<Inputs, Chosen>,
) => recordsOf(state, kind).filter((record) => !record.leaving);

/** The records of a kind one of whose inputs has that value. */
export const having = <Inputs extends Values, Chosen extends Values, Name extends keyof Inputs>(
  state: State,
  kind: Kind<Inputs, Chosen>,
  input: Name,
  value: Inputs[Name],
) => recordsOf(state, kind).filter((record) => record.inputs[input] === value);

/** The record of that kind with that id, or AWS's error for an id that does not exist. */
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

/** The name that a resource's tags give it. @default its id */
export function nameOf({ id, inputs }: StoredResource<{ tags?: { [name: string]: string } }>) {
  return inputs.tags?.["Name"] ?? id;
}
