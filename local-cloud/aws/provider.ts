import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { Provider } from "@pulumi/pulumi/provider";
import { processKey } from "../machine/daemon";
import { foreign, foreignOwner, own, stackOf } from "../machine/owner";
import { T } from "../machine/model";
import { restoreSysctls } from "../machine/sysctl";
import { changeState, readState, type Record, type State } from "../machine/store";
import { waitUntil } from "../../shared/wait";
import { checkInputs } from "./check";
import { changedProperties, replacing } from "./diff";
import { functions } from "./functions";
import { REGION } from "./ids";
import { ApiError, type ResourceType } from "./resource";
import { resourceTypes } from "./resources";
import { conceal, reveal, type Values } from "./values";

/** How long a deletion waits for what still uses the resource to go. AWS's provider waits longer. */
const IN_USE_TIMEOUT_MS = 10_000;

/** Names this process in the records that it makes. */
const run = processKey(process.pid)!;

/** The keys of the records whose ids Pulumi has named in this run. */
const named = new Set<string>();

/** The keys of the records whose ids this process has given to Pulumi. */
const created = new Set<string>();

/**
 * The Pulumi provider `aws` of the local cloud: the life of a resource, the same for every type. What
 * differs is in {@link resourceTypes}.
 */
export const localCloud: Provider = {
  version: "7.47.1-local",

  // The SDK's server ends a call with what these promises settle to.
  async check(urn, olds: Values, news: Values) {
    const type = typeOf(urn);
    const inputs = withName(type, urn, olds, news);
    const failures = checkInputs(type, inputs);
    const stranger = ownerElsewhere(stackOf(urn));
    if (stranger !== undefined) failures.push({ property: "", reason: stranger });
    const isNew = Object.keys(olds).length === 0;
    if (isNew && failures.length === 0 && type.checkMachine)
      failures.push(...(await type.checkMachine(reveal(inputs) as Values)));
    return { inputs, failures };
  },

  async diff(id, urn, olds: Values, news: Values) {
    const type = typeOf(urn);
    const key = keyOf(type, id);
    acknowledge(key, urn);
    const record = readState().records[key];
    // Without a refresh, AWS's provider would not see it; here it is free to look.
    if (!isThere(type, record)) {
      return { changes: true, replaces: ["id"], deleteBeforeReplace: true };
    }
    const changed = changedProperties(type, olds, news);
    const replaces = changed.filter((name) => replacing(type.schema[name]!, news));
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
    const inputs = reveal(raw) as Values;
    const record = (await adopt(type, urn, inputs)) ?? (await make(type, urn, inputs));
    try {
      await type.apply?.(record);
    } catch (error) {
      throw await undo(record, error);
    }
    created.add(keyOf(type, record.id));
    return { id: record.id, outs: outputs(type, record, raw) };
  },

  async read(id, urn, props: Values = {}) {
    const type = typeOf(urn);
    const key = keyOf(type, id);
    const record = readState().records[key];
    if (record !== undefined && record.type !== type.token) return { id: "", props: {} };
    if (!isThere(type, record)) {
      // Pulumi will not name it again; what is left of it would keep its address, or its volume.
      if (record) await remove(record);
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
    const inputs = reveal(raw) as Values;
    const around = (await type.lookAround?.(inputs)) ?? {};
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
    return { outs: outputs(type, readState().records[key]!, raw) };
  },

  async delete(id, urn) {
    const type = typeOf(urn);
    const key = keyOf(type, id);
    refuseStrangers(urn);
    acknowledge(key);
    const record = readState().records[key];
    // An id that is a third resource's may be another's too, which then has taken the record over.
    if (record && (type.keyOf === undefined || record.urn === urn)) {
      await asApi(type, "delete", async () => {
        await notInUse(type, record);
        await remove(record);
      });
    }
    const stack = stackOf(urn);
    const rest = Object.values(readState().records).filter((r) => stackOf(r.urn) === stack);
    if (rest.every(isLeftover)) await forgetLeftovers((r) => stackOf(r.urn) === stack);
  },

  async invoke(token, raw: Values) {
    const call = functions[token];
    if (!call) throw new Error(`the local cloud has no function ${token}`);
    try {
      return { outputs: await call(reveal(raw) as Values) };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      throw new Error(`${token}: api error ${error.code}: ${error.message}`, { cause: error });
    }
  },
};

/**
 * Notes that Pulumi knows every id that this process has given it. To be called when the engine ends
 * this process in order: by then, it has written them down.
 */
export async function acknowledgeCreated(): Promise<void> {
  const keys = [...created].filter((key) => readState().records[key]?.acknowledged === false);
  if (keys.length) await changeState((state) => acknowledgeIn(state, keys));
}

/** Whether the resource is there, and was not being removed when a run was killed. */
function isThere(type: ResourceType, record: Record | undefined): record is Record {
  return record !== undefined && !record.leaving && type.exists?.(record) !== false;
}

/** Gives the resource a name where the program gives none, the same at each update. */
function withName(type: ResourceType, urn: string, olds: Values, news: Values): Values {
  const property = type.autoNamed;
  if (property === undefined || news[property] !== undefined) return news;
  const last = isAutoNamed(type, olds) ? olds[property] : undefined;
  return { ...news, [property]: last ?? autoName(nameOf(urn)), __defaults: [property] };
}

const isAutoNamed = (type: ResourceType, inputs: Values) =>
  Array.isArray(inputs["__defaults"]) && inputs["__defaults"].includes(type.autoNamed);

/** Whether old and new cannot stand side by side, since the program gives both the same name. */
function keepsName(type: ResourceType, olds: Values, news: Values): boolean {
  const property = type.autoNamed;
  return property !== undefined && !isAutoNamed(type, news) && olds[property] === news[property];
}

/** Under which key the record of a resource is kept. */
const keyOf = (type: ResourceType, id: string) => type.keyOf?.(id) ?? id;
const keyOfRecord = (record: Record) => keyOf(resourceTypes[record.type]!, record.id);

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

function typeOf(urn: string): ResourceType {
  const token = urn.split("::")[2]!.split("$").pop()!;
  const type = resourceTypes[token];
  if (!type) {
    const known = Object.keys(resourceTypes).sort().join(", ");
    throw new Error(`the local cloud has no resource type ${token}; it has ${known}`);
  }
  return type;
}

/** The logical name and seven hex digits. */
const autoName = (logicalName: string) =>
  `${logicalName}-${randomBytes(4).toString("hex").slice(1)}`;

const nameOf = (urn: string) => urn.split("::").slice(3).join("::");

/** What to say of a stack whose lab another checkout has made. It is looked at once. */
function ownerElsewhere(stack: string): string | undefined {
  if (!strangers.has(stack)) {
    const owner = foreignOwner(readState(), stack);
    const { message, remedies } = owner ? foreign(owner) : { message: undefined, remedies: [] };
    strangers.set(stack, message && [message, ...remedies].join(" "));
  }
  return strangers.get(stack);
}
const strangers = new Map<string, string | undefined>();

function refuseStrangers(urn: string): void {
  const stranger = ownerElsewhere(stackOf(urn));
  if (stranger !== undefined) throw new Error(stranger);
}

async function make(type: ResourceType, urn: string, inputs: Values): Promise<Record> {
  await forgetLeftovers((record) => record.urn === urn && !named.has(keyOfRecord(record)));
  const around = (await type.lookAround?.(inputs)) ?? {};
  return asApi(type, "create", () =>
    changeState((state) => {
      type.refuse?.(inputs, state, around);
      return addRecord(state, type, urn, inputs, around);
    }),
  );
}

/**
 * Takes over what a killed run has made just so, where the id says what it is. (To remove an
 * attachment first would stop the host that has the volume mounted.)
 */
function adopt(type: ResourceType, urn: string, inputs: Values): Promise<Record | undefined> {
  const key = keyOf(type, type.newId(inputs));
  if (readState().records[key] === undefined) return Promise.resolve(undefined);
  return changeState((state) => {
    const record = state.records[key];
    if (record?.urn !== urn || !isLeftover(record) || !isDeepStrictEqual(record.inputs, inputs)) {
      return undefined;
    }
    acknowledgeIn(state, namedIn(inputs));
    record.run = run;
    return structuredClone(record);
  });
}

function addRecord(state: State, type: ResourceType, urn: string, inputs: Values, around: Values) {
  // An id that a new resource names is one that Pulumi has written down.
  acknowledgeIn(state, namedIn(inputs));
  const id = type.newId(inputs);
  const chosen = type.choose?.(inputs, state, around) ?? {};
  const record: Record = {
    id,
    type: type.token,
    urn,
    run,
    acknowledged: false,
    sequence: state.nextSequence++,
    inputs,
    chosen,
  };
  state.records[keyOf(type, id)] = record;
  if (state.owners?.[stackOf(urn)] === undefined) own(state, stackOf(urn));
  return structuredClone(record);
}

function outputs(type: ResourceType, record: Record, secrets: Values): Values {
  const defaults = Object.fromEntries(
    Object.entries(type.schema)
      .filter(([, property]) => property.default !== undefined)
      .map(([name, property]) => [name, property.default]),
  );
  const own = { ...defaults, ...record.inputs, ...type.attributes(record, readState()) };
  if ("region" in type.schema) own["region"] ??= REGION;
  if ("tags" in type.schema) own["tagsAll"] = record.inputs["tags"] ?? {};
  return conceal(own, { ...secrets, tagsAll: secrets["tags"] });
}

/** Waits a little for the users of a resource to go; then refuses as AWS does. */
async function notInUse(type: ResourceType, record: Record): Promise<void> {
  let users: Record[] = [];
  const free = async () => {
    await forgetLeftovers(
      (r) => type.usedBy?.(record, readState()).some((u) => u.id === r.id) ?? false,
    );
    users = type.usedBy?.(record, readState()) ?? [];
    return users.length === 0;
  };
  await waitUntil(free, IN_USE_TIMEOUT_MS, () => "").catch((error: unknown) => {
    if (users.length === 0) throw error;
    const refusal =
      type.inUse?.(record, users) ??
      new ApiError(
        "DependencyViolation",
        `The ${type.name} '${record.id}' has dependencies and cannot be deleted: ${users.map((u) => u.id).join(", ")}.`,
      );
    throw refusal;
  });
}

/** Removes what could not be made, and returns the error to report. */
async function undo(record: Record, error: unknown): Promise<unknown> {
  try {
    await remove(record);
    return error;
  } catch (rest) {
    // The record stays, as a leftover for the next run.
    const both = `${messageOf(error)}\nand then, removing it again: ${messageOf(rest)}`;
    return new Error(both, { cause: rest });
  }
}

/** Removes a resource. If this is cut off, the resource counts as gone, and the next run finishes it. */
async function remove(record: Record): Promise<void> {
  const type = resourceTypes[record.type]!;
  const key = keyOfRecord(record);
  if (type.remove) {
    await changeState((state) => {
      if (state.records[key]) state.records[key].leaving = true;
    });
    try {
      await type.remove(record);
    } catch (error) {
      if (error instanceof ApiError)
        await changeState((state) => delete state.records[key]?.leaving);
      throw error;
    }
  }
  await changeState((state) => {
    for (const other of type.takesAlong?.(record, state) ?? [])
      delete state.records[keyOfRecord(other)];
    delete state.records[key];
    forgetOwners(state);
  });
  await type.afterRemoval?.(record);
  if (Object.keys(readState().records).length === 0) await restoreSysctls();
}

/**
 * A leftover was made by a run that ended, most likely killed, before Pulumi could write down the id:
 * nobody has named it since.
 */
function isLeftover(record: Record): boolean {
  if (record.acknowledged || named.has(keyOfRecord(record)) || record.run === run) return false;
  return processKey(Number(record.run.split(":")[0])) !== record.run;
}

/** Removes leftovers, the youngest first: nothing depends on it. */
async function forgetLeftovers(which: (record: Record) => boolean): Promise<void> {
  const leftovers = Object.values(readState().records)
    .filter((record) => isLeftover(record) && which(record))
    .sort((a, b) => b.sequence - a.sequence);
  for (const record of leftovers) {
    const users = resourceTypes[record.type]!.usedBy?.(record, readState()) ?? [];
    const ids = new Set(users.map((user) => user.id));
    if (ids.size) await forgetLeftovers((r) => ids.has(r.id));
    await remove(record);
  }
}

/** Whether the id follows from the inputs, so that to make it again is to take it over (`adopt`). */
export function isNamedByInputs({ id, type, inputs }: Record): boolean {
  return resourceTypes[type]!.newId(inputs) === id;
}

/**
 * Gives records to whoever makes the same again, as if their run had been killed. Pulumi forgets, for
 * one, the attachments of a host before it deletes the host, and may not come so far.
 */
export async function disown(records: Record[]): Promise<void> {
  const keys = records.map(keyOfRecord);
  await changeState((state) => {
    for (const key of keys) {
      if (state.records[key]) Object.assign(state.records[key], { acknowledged: false, run: "" });
    }
  });
}

/**
 * Removes the resources of a stack that no state of Pulumi knows: hosts first, and then always the
 * youngest, as nothing depends on it. One that a known resource uses stays.
 */
export async function removeLost(stack: string, known: ReadonlySet<string>): Promise<void> {
  const isHost = ({ type }: Record) => Number(type === T.instance);
  const unused = (state: State) => (record: Record) =>
    stackOf(record.urn) === stack &&
    !known.has(record.id) &&
    !(resourceTypes[record.type]!.usedBy?.(record, state) ?? []).length;
  for (;;) {
    const state = readState();
    const [next] = Object.values(state.records)
      .filter(unused(state))
      .sort((a, b) => isHost(b) - isHost(a) || b.sequence - a.sequence);
    if (next === undefined) return;
    await remove(next);
  }
}

/**
 * Notes that Pulumi knows the record's id. Written down with the next change, or soon.
 *
 * @param urn The resource, where Pulumi manages it under that name: a stack may have got another one.
 */
function acknowledge(key: string, urn?: string): void {
  if (named.has(key)) return;
  named.add(key);
  const record = readState().records[key];
  if (record && urn !== undefined && stackOf(record.urn) !== stackOf(urn)) renamed.set(key, urn);
  if (record?.acknowledged !== false && !renamed.has(key)) return;
  pendingNames ??= setTimeout(() => {
    pendingNames = undefined;
    changeState((state) => {
      acknowledgeIn(state, named);
      renameIn(state);
    }).catch((error: unknown) => {
      console.error(
        `the local cloud could not note which resources Pulumi knows: ${messageOf(error)}`,
      );
    });
  }, 50);
}
let pendingNames: NodeJS.Timeout | undefined;

/** The keys of records that belong to a stack of another name now, with their new URNs. */
const renamed = new Map<string, string>();

function renameIn(state: State): void {
  for (const [key, urn] of renamed) {
    const record = state.records[key];
    if (record) record.urn = urn;
    if (state.owners?.[stackOf(urn)] === undefined) own(state, stackOf(urn));
  }
  renamed.clear();
  forgetOwners(state);
}

/** Forgets who made the labs of which nothing is left. */
function forgetOwners(state: State): void {
  const stacks = new Set(Object.values(state.records).map(({ urn }) => stackOf(urn)));
  for (const stack of Object.keys(state.owners ?? {}))
    if (!stacks.has(stack)) delete state.owners?.[stack];
}

function acknowledgeIn(state: State, keys: Iterable<string>): void {
  for (const key of keys) if (state.records[key]) state.records[key].acknowledged = true;
}

function namedIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(namedIn);
}

type Verb = "create" | "update" | "delete";

async function asApi<T>(type: ResourceType, verb: Verb, action: () => Promise<T>) {
  try {
    return await action();
  } catch (error) {
    throw error instanceof ApiError ? apiMessage(type, verb, error) : error;
  }
}

/** An AWS error in the words of the AWS provider. */
function apiMessage(type: ResourceType, verb: Verb, { code, message }: ApiError) {
  const { create, delete: remove } = type.operations;
  const operation = `operation error ${type.service}: ${verb === "delete" ? remove : create}`;
  const doing = { create: "creating", update: "updating", delete: "deleting" }[verb];
  return new Error(`${doing} ${type.name}: ${operation}, api error ${code}: ${message}`);
}
