/*
 * Batches of ACL bindings. One run of `kafka-acls.sh` takes several users, hosts, operations and resources,
 * and means each combination of them.
 */
import { type Binding, bindingId } from "./bindings";

/** A resource of a batch: its type and its name. */
export type NamedResource = readonly [resource: string, name: string];

/** All combinations of some principals, hosts, operations and resources. */
export interface Batch {
  permission: string;
  pattern: string;
  principals: readonly string[];
  hosts: readonly string[];
  operations: readonly string[];
  resources: readonly NamedResource[];
}

type Part = "operations" | "hosts" | "resources" | "principals";
const PARTS: readonly Part[] = ["operations", "hosts", "resources", "principals"];

/**
 * How many items of each part a batch has at most. A command line must be shorter than 128 KiB; the
 * longest name of a resource has 249 characters.
 */
const MOST = 200;

/** Returns few batches whose combinations are exactly the given bindings. */
export function batchesOf(bindings: readonly Binding[]): Batch[] {
  const single = [...new Map(bindings.map((each) => [bindingId(each), each])).entries()]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([, each]): Batch => ({
      ...{ permission: each.permission, pattern: each.pattern },
      ...{ principals: [each.principal], hosts: [each.host], operations: [each.operation] },
      resources: [[each.resource, each.name]],
    }));
  return PARTS.reduce(merge, single).flatMap((batch) => PARTS.reduce(split, [batch]));
}

/** Merges the batches that differ in one part only. */
function merge(batches: readonly Batch[], part: Part): Batch[] {
  const merged = new Map<string, Batch>();
  for (const batch of batches) {
    const others = JSON.stringify({ ...batch, [part]: [] });
    const same = merged.get(others);
    merged.set(
      others,
      same === undefined ? batch : { ...batch, [part]: [...same[part], ...batch[part]] },
    );
  }
  return [...merged.values()];
}

/** Splits the batches whose part is too long. */
function split(batches: readonly Batch[], part: Part): Batch[] {
  return batches.flatMap((batch) => {
    const count = Math.ceil(batch[part].length / MOST);
    return Array.from({ length: count }, (_, index) => ({
      ...batch,
      [part]: batch[part].slice(index * MOST, (index + 1) * MOST),
    }));
  });
}

/** Returns all combinations of a batch. */
export function bindingsIn(batch: Batch): Binding[] {
  const { permission, pattern, principals, hosts, operations, resources } = batch;
  return principals.flatMap((principal) =>
    hosts.flatMap((host) =>
      operations.flatMap((operation) =>
        resources.map(([resource, name]) => ({
          ...{ principal, host, operation, permission, resource, pattern, name },
        })),
      ),
    ),
  );
}

/** Returns the arguments by which `kafka-acls.sh` adds or removes a batch. */
export function batchArgs(action: "add" | "remove", batch: Batch): string[] {
  const permission = batch.permission.toLowerCase();
  return [
    ...[`--${action}`, "--force", `--resource-pattern-type=${batch.pattern.toLowerCase()}`],
    ...batch.principals.map((principal) => `--${permission}-principal=${principal}`),
    ...batch.hosts.map((host) => `--${permission}-host=${host}`),
    ...batch.operations.map((operation) => `--operation=${optionWord(operation)}`),
    ...batch.resources.map(([resource, name]) =>
      resource === "CLUSTER" ? "--cluster" : `--${optionOf(resource)}=${name}`,
    ),
  ];
}

/** `TRANSACTIONAL_ID` becomes `transactional-id`. */
const optionOf = (resource: string) => resource.toLowerCase().replaceAll("_", "-");

/** `DESCRIBE_CONFIGS` becomes `DescribeConfigs`. */
const optionWord = (operation: string) =>
  operation
    .split("_")
    .map((word) => word.charAt(0) + word.slice(1).toLowerCase())
    .join("");

/** Describes a batch for people: `allow User:alice READ on topic orders from *`. */
export function describeBatch(batch: Batch): string {
  const { permission, pattern, principals, hosts, operations, resources } = batch;
  const prefix = pattern === "PREFIXED" ? "prefix " : "";
  const names = resources.map(([resource, name]) =>
    resource === "CLUSTER" ? "the cluster" : `${optionOf(resource)} ${prefix}${name}`,
  );
  return (
    `${permission.toLowerCase()} ${few(principals)} ${few(operations)} on ${few(names)} ` +
    `from ${few(hosts)}`
  );
}

/** Lists the first items, and says how many more there are. */
function few(items: readonly string[], most = 5): string {
  const more = items.length - most;
  const shown = items.slice(0, most).join(", ");
  return more > 0 ? `${shown} and ${more} more` : shown;
}
