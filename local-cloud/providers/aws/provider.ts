import type { Provider } from "@pulumi/pulumi/provider";
import { processKey } from "../../host/daemon";
import { restoreSysctls } from "../../host/sysctl";
import { changeState, readState, type Record, type State } from "../../host/store";
import { waitUntil } from "../../host/run";
import { checkInputs } from "./check";
import { changedProperties } from "./diff";
import { functions } from "./functions";
import { ApiError, type ResourceType } from "./resource";
import { resourceTypes } from "./resources";
import { conceal, reveal, type Values } from "./values";

/** How long a deletion waits for what still uses the resource to go. AWS's provider waits longer. */
const IN_USE_TIMEOUT_MS = 10_000;

/** Names this process in the records that it makes. */
const run = processKey(process.pid)!;

/** The ids that Pulumi has named in this run. */
const named = new Set<string>();

/**
 * The Pulumi provider `aws` of the local cloud: the life of a resource, the same for every type. What
 * differs is in {@link resourceTypes}.
 */
export const localCloud: Provider = {
  version: "7.47.0-local",

  check(urn, olds: Values, news: Values) {
    const type = typeOf(urn);
    const inputs = { ...news };
    for (const [name, value] of Object.entries(type.fill?.(nameOf(urn)) ?? {})) {
      inputs[name] ??= olds[name] ?? value; // what was chosen once stays
    }
    return Promise.resolve({ inputs, failures: checkInputs(type, inputs) });
  },

  async diff(id, urn, olds: Values, news: Values) {
    const type = typeOf(urn);
    acknowledge(id);
    const changed = changedProperties(type, olds, news);
    const replaces = changed.filter((name) => type.schema[name]!.replace);
    const record = readState().records[id];
    const broken = record !== undefined && type.isWhole && !(await type.isWhole(record));
    return { changes: changed.length > 0 || broken === true, replaces };
  },

  async create(urn, raw: Values) {
    const type = typeOf(urn);
    const inputs = reveal(raw) as Values;
    await forgetLeftovers((record) => record.urn === urn && !named.has(record.id));
    const around = (await type.lookAround?.(inputs)) ?? {};
    const record = await asApi(type, "create", () =>
      changeState((state) => {
        type.refuse?.(inputs, state, around);
        return addRecord(state, type, urn, inputs, around);
      }),
    );
    try {
      await type.apply?.(record);
    } catch (error) {
      // What cannot be removed now is a leftover, and goes with the next run.
      await remove(record).catch(() => undefined);
      throw error;
    }
    return { id: record.id, outs: outputs(type, record, raw) };
  },

  read(id, urn, props: Values = {}) {
    const type = typeOf(urn);
    const record = readState().records[id];
    if (record?.type !== type.token || type.exists?.(record) === false) {
      return Promise.resolve({ id: "", props: {} });
    }
    acknowledge(id);
    return Promise.resolve({
      id,
      props: outputs(type, record, props),
      inputs: conceal(record.inputs, props),
    });
  },

  async update(id, urn, _olds, raw: Values) {
    const type = typeOf(urn);
    acknowledge(id);
    const inputs = reveal(raw) as Values;
    const around = (await type.lookAround?.(inputs)) ?? {};
    const [record, before] = await asApi(type, "create", () =>
      changeState((state) => {
        const self = state.records[id];
        if (!self) throw new ApiError(`${type.name}.NotFound`, `${id} does not exist`);
        const old = structuredClone(self);
        type.refuse?.(inputs, state, around, self);
        self.inputs = inputs;
        return [self, old] as const;
      }),
    );
    await (type.update ? type.update(record, before) : type.apply?.(record));
    return { outs: outputs(type, readState().records[id]!, raw) };
  },

  async delete(id, urn) {
    const type = typeOf(urn);
    acknowledge(id);
    const record = readState().records[id];
    if (record) {
      await notInUse(type, record);
      await remove(record);
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

function typeOf(urn: string): ResourceType {
  const token = urn.split("::")[2]!.split("$").pop()!;
  const type = resourceTypes[token];
  if (!type) {
    const known = Object.keys(resourceTypes).sort().join(", ");
    throw new Error(`the local cloud has no resource type ${token}; it has ${known}`);
  }
  return type;
}

const nameOf = (urn: string) => urn.split("::").slice(3).join("::");
const stackOf = (urn: string) => urn.split("::").slice(0, 2).join("::");

function addRecord(state: State, type: ResourceType, urn: string, inputs: Values, around: Values) {
  // An id that a new resource names is one that Pulumi has written down.
  for (const id of namedIn(inputs)) if (state.records[id]) state.records[id].acknowledged = true;
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
  state.records[id] = record;
  return structuredClone(record);
}

function outputs(type: ResourceType, record: Record, secrets: Values): Values {
  const defaults = Object.fromEntries(
    Object.entries(type.schema)
      .filter(([, property]) => property.default !== undefined)
      .map(([name, property]) => [name, property.default]),
  );
  const own = { ...defaults, ...record.inputs, ...type.attributes(record, readState()) };
  if ("tags" in type.schema) own["tagsAll"] = record.inputs["tags"] ?? {};
  return conceal(own, secrets);
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
    throw apiMessage(type, "delete", refusal);
  });
}

async function remove(record: Record): Promise<void> {
  const type = resourceTypes[record.type]!;
  await type.remove?.(record);
  await changeState((state) => {
    for (const { id } of type.takesAlong?.(record, state) ?? []) delete state.records[id];
    delete state.records[record.id];
  });
  await type.afterRemoval?.(record);
  if (Object.keys(readState().records).length === 0) await restoreSysctls();
}

/**
 * A leftover was made by a run that ended, most likely killed, before Pulumi could write down the id:
 * nobody has named it since.
 */
function isLeftover(record: Record): boolean {
  if (record.acknowledged || named.has(record.id) || record.run === run) return false;
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

/** Notes that Pulumi knows the id. Written down with the next change, or soon. */
function acknowledge(id: string): void {
  if (named.has(id)) return;
  named.add(id);
  if (readState().records[id]?.acknowledged !== false) return;
  pendingNames ??= setTimeout(() => {
    pendingNames = undefined;
    void changeState((state) => {
      for (const known of named) if (state.records[known]) state.records[known].acknowledged = true;
    });
  }, 50);
}
let pendingNames: NodeJS.Timeout | undefined;

function namedIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(namedIn);
}

async function asApi<T>(type: ResourceType, verb: "create" | "delete", action: () => Promise<T>) {
  try {
    return await action();
  } catch (error) {
    throw error instanceof ApiError ? apiMessage(type, verb, error) : error;
  }
}

/** An AWS error in the words of the AWS provider. */
function apiMessage(type: ResourceType, verb: "create" | "delete", { code, message }: ApiError) {
  const doing = verb === "create" ? "creating" : "deleting";
  const operation = `operation error ${type.service}: ${type.operations[verb]}`;
  return new Error(`${doing} ${type.name}: ${operation}, api error ${code}: ${message}`);
}
