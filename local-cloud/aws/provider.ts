import { randomBytes } from "node:crypto";
import type { Provider } from "@pulumi/pulumi/provider";
import { foreign, foreignOwner, stackOf } from "../machine/owner";
import { changeState, readState, type StoredResource } from "../machine/store";
import { acknowledge, isLeftover, noteCreated } from "./acknowledgement";
import { ApiError } from "./api-error";
import { asApi } from "./api-message";
import { keyOf, logicalName, typeOf } from "./catalogue";
import { checkInputs } from "./check";
import { recordFor } from "./creation";
import { changedProperties, defaultOf, replacing } from "./diff";
import { functions } from "./functions";
import { REGION } from "./ids";
import { deleteResource, forgetLeftovers, remove, undo } from "./removal";
import type { ResourceType } from "./resource";
import { conceal, revealAll, type Values } from "./values";

/**
 * The Pulumi provider `aws` of the local cloud. It implements the life cycle of all resources. The
 * differences between resource types are in resources/.
 */
export const localCloud: Provider = {
  version: "7.47.1-local",

  // The SDK's server returns the results of these promises to the engine.
  async check(urn, olds: Values, news: Values) {
    const type = typeOf(urn);
    const inputs = withName(type, urn, olds, news);
    const failures = checkInputs(type, inputs);
    const stranger = ownerElsewhere(stackOf(urn));
    if (stranger !== undefined) {
      failures.push({ property: "", reason: stranger });
    }
    const isNew = Object.keys(olds).length === 0;
    if (isNew && failures.length === 0 && type.checkMachine) {
      failures.push(...(await type.checkMachine(revealAll(inputs))));
    }
    return { inputs, failures };
  },

  async diff(id, urn, olds: Values, news: Values) {
    const type = typeOf(urn);
    const key = keyOf(type, id);
    acknowledge(key, urn);
    const record = readState().records[key];
    // AWS's provider notices this only during a refresh. Here the check is cheap.
    if (!isThere(type, record)) {
      return { changes: true, replaces: ["id"], deleteBeforeReplace: true };
    }
    const changed = changedProperties(type.kind, olds, news);
    const replaces = changed.filter((name) => replacing(type.kind, name, news));
    const broken = type.isWhole !== undefined && !(await type.isWhole(record));
    return {
      changes: changed.length > 0 || broken,
      replaces,
      deleteBeforeReplace: replaces.length > 0 && keepsName(type, olds, news),
    };
  },

  async create(urn, raw: Values) {
    const type = typeOf(urn);
    refuseStrangers(urn);
    const record = await recordFor(type, urn, revealAll(raw));
    try {
      await type.apply?.(record);
    } catch (error) {
      throw await undo(record, error);
    }
    noteCreated(keyOf(type, record.id));
    return { id: record.id, outs: outputs(type, record, raw) };
  },

  async read(id, urn, props: Values = {}) {
    const type = typeOf(urn);
    const key = keyOf(type, id);
    const record = readState().records[key];
    if (record !== undefined && record.type !== type.kind.token) {
      return { id: "", props: {} };
    }
    if (!isThere(type, record)) {
      // Pulumi will not use the id again. The rest of the resource would keep its address or its volume.
      if (record) {
        await remove(record);
      }
      return { id: "", props: {} };
    }
    acknowledge(key);
    return { id, props: outputs(type, record, props), inputs: conceal(record.inputs, props) };
  },

  async update(id, urn, _olds, raw: Values) {
    const type = typeOf(urn);
    const key = keyOf(type, id);
    refuseStrangers(urn);
    acknowledge(key, urn);
    const inputs = revealAll(raw);
    const around = await type.lookAround?.(inputs);
    const [record, before] = await asApi(type, "update", () =>
      changeState((state) => {
        const self = state.records[key];
        if (!isThere(type, self)) {
          throw new Error(`${type.name} "${id}" does not exist any more. Run "pulumi refresh".`);
        }
        const old = structuredClone(self);
        type.refuse?.(inputs, state, around, self);
        Object.assign(self.chosen, type.rechoose?.(inputs, old));
        self.inputs = inputs;
        return [self, old] as const;
      }),
    );
    await (type.update ? type.update(record, before) : type.apply?.(record));
    return { outs: outputs(type, readState().records[key] ?? record, raw) };
  },

  async delete(id, urn, props: Values = {}) {
    const type = typeOf(urn);
    const key = keyOf(type, id);
    refuseStrangers(urn);
    acknowledge(key);
    const record = readState().records[key];
    // Two resources may have the same id. The record may already belong to the other one.
    if (record && (type.keyOf === undefined || record.urn === urn)) {
      await asApi(type, "delete", () => deleteResource(record, revealAll(props)));
    }
    const stack = stackOf(urn);
    const rest = Object.values(readState().records).filter((r) => stackOf(r.urn) === stack);
    if (rest.every(isLeftover)) {
      await forgetLeftovers((r) => stackOf(r.urn) === stack);
    }
  },

  async invoke(token, raw: Values) {
    const call = functions[token];
    if (!call) {
      throw new Error(`the local cloud has no function ${token}`);
    }
    try {
      return { outputs: await call(revealAll(raw)) };
    } catch (error) {
      if (!(error instanceof ApiError)) {
        throw error;
      }
      throw new Error(`${token}: api error ${error.code}: ${error.message}`, { cause: error });
    }
  },
};

/** Whether the resource exists, and no run has begun to remove it. */
function isThere(type: ResourceType, record: StoredResource | undefined): record is StoredResource {
  return record !== undefined && !record.leaving && type.exists?.(record) !== false;
}

/** Adds a generated name if the program sets none. It stays the same in each update. */
function withName(type: ResourceType, urn: string, olds: Values, news: Values): Values {
  const property = type.autoNamed;
  if (property === undefined || news[property] !== undefined) {
    return news;
  }
  const last = isAutoNamed(type, olds) ? olds[property] : undefined;
  return { ...news, [property]: last ?? autoName(logicalName(urn)), __defaults: [property] };
}

const isAutoNamed = (type: ResourceType, inputs: Values) =>
  Array.isArray(inputs["__defaults"]) && inputs["__defaults"].includes(type.autoNamed);

/** Whether the old and the new resource cannot exist at the same time because they have the same name. */
function keepsName(type: ResourceType, olds: Values, news: Values): boolean {
  const property = type.autoNamed;
  return property !== undefined && !isAutoNamed(type, news) && olds[property] === news[property];
}

/** The logical name and seven hex digits. */
const autoName = (logicalName: string) =>
  `${logicalName}-${randomBytes(4).toString("hex").slice(1)}`;

/** Returns an error if another checkout created the stack's lab. Checks each stack once. */
function ownerElsewhere(stack: string): string | undefined {
  if (!strangers.has(stack)) {
    const owner = foreignOwner(readState(), stack);
    const said = owner && foreign(owner);
    strangers.set(stack, said && [said.message, ...said.remedies].join(" "));
  }
  return strangers.get(stack);
}
const strangers = new Map<string, string | undefined>();

function refuseStrangers(urn: string): void {
  const stranger = ownerElsewhere(stackOf(urn));
  if (stranger !== undefined) {
    throw new Error(stranger);
  }
}

/** All properties of a resource for Pulumi's state. Marks the same properties as secret as `secrets` does. */
function outputs(type: ResourceType, record: StoredResource, secrets: Values): Values {
  const { shape } = type.kind.inputs;
  const own: Values = {};
  for (const [name, property] of Object.entries(shape)) {
    const value = defaultOf(property);
    if (value !== undefined) {
      own[name] = value;
    }
  }
  Object.assign(own, record.inputs, type.attributes(record, readState()));
  if ("region" in shape) {
    own["region"] ??= REGION;
  }
  if ("tags" in shape) {
    own["tagsAll"] = record.inputs["tags"] ?? {};
  }
  return conceal(own, { ...secrets, tagsAll: secrets["tags"] });
}
