import { isDeepStrictEqual } from "node:util";
import { own, stackOf } from "../machine/owner";
import { changeState, readState, type State, type StoredResource } from "../machine/store";
import { acknowledgeIn, isLeftover, isNamed, textsIn, thisRun } from "./acknowledgement";
import { asApi } from "./api-message";
import { keyOf } from "./catalogue";
import { forgetLeftovers } from "./removal";
import type { ResourceType } from "./resource";
import type { Values } from "./values";

/** The record of a new resource: a killed run's leftover with the same inputs, or a new record. */
export async function recordFor(
  type: ResourceType,
  urn: string,
  inputs: Values,
): Promise<StoredResource> {
  return (await adopt(type, urn, inputs)) ?? (await make(type, urn, inputs));
}

async function make(type: ResourceType, urn: string, inputs: Values): Promise<StoredResource> {
  await forgetLeftovers((record) => record.urn === urn && !isNamed(record));
  const around = await type.lookAround?.(inputs);
  return asApi(type, "create", () =>
    changeState((state) => {
      type.refuse?.(inputs, state, around);
      return addRecord(state, type, urn, inputs, type.choose?.(inputs, state, around) ?? {});
    }),
  );
}

/**
 * Takes over a leftover with the same inputs if the id follows from the inputs. (To remove an attachment
 * first, the host with the mounted volume would have to stop.)
 */
async function adopt(
  type: ResourceType,
  urn: string,
  inputs: Values,
): Promise<StoredResource | undefined> {
  const key = keyOf(type, type.newId(inputs));
  if (readState().records[key] === undefined) {
    return undefined;
  }
  return changeState((state) => {
    const record = state.records[key];
    if (record?.urn !== urn || !isLeftover(record) || !isDeepStrictEqual(record.inputs, inputs)) {
      return undefined;
    }
    acknowledgeIn(state, textsIn(inputs));
    record.run = thisRun;
    return structuredClone(record);
  });
}

function addRecord(
  state: State,
  type: ResourceType,
  urn: string,
  inputs: Values,
  chosen: Values,
): StoredResource {
  // Pulumi has saved every id that appears in the inputs of a new resource.
  acknowledgeIn(state, textsIn(inputs));
  const record: StoredResource = {
    id: type.newId(inputs),
    type: type.kind.token,
    urn,
    run: thisRun,
    acknowledged: false,
    sequence: state.nextSequence++,
    inputs,
    chosen,
  };
  type.displace?.(record, state);
  state.records[keyOf(type, record.id)] = record;
  if (state.owners?.[stackOf(urn)] === undefined) {
    own(state, stackOf(urn));
  }
  return structuredClone(record);
}
