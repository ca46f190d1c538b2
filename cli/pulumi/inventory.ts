import { readState, type State } from "../../local-cloud/machine/store";
import * as kinds from "../../local-cloud/aws/kinds";
import { isOf, nameOf } from "../../local-cloud/aws/records";
import { age, moment } from "../lib/output";
import { root, stateDir } from "../lib/places";
import type { Stack } from "../lib/stack";
import { exportedResources, isStackThere, resourcesInFile, type StateResource } from "./stacks";

/** The contents of a lab, for the user who is about to remove it. */
export interface Inventory {
  /** Sorted names. */
  hosts: string[];
  /** Number of resources in Pulumi's state and the local cloud's records. */
  resources: number;
  /** Creation time of the oldest resource in ISO 8601, if known. */
  made?: string;
}

/** Returns the contents of a stack, without secrets. They are empty if the stack does not exist. */
export async function inventoryOf(stack: Stack): Promise<Inventory> {
  if (stack.target === "local") {
    return takeInventory(resourcesInFile(stack.name) ?? [], stack.name, readState());
  }
  const resources = (await isStackThere(stack)) ? await exportedResources(stack, "encrypted") : [];
  return takeInventory(resources, stack.name);
}

/** @param cloud The local cloud's state. It may have resources that Pulumi's state has lost. */
export function takeInventory(
  known: readonly StateResource[],
  stack: string,
  cloud?: State,
): Inventory {
  const own = known.filter(({ id }) => id !== undefined);
  const records = Object.values(cloud?.records ?? {}).filter(({ urn }) =>
    urn.startsWith(`urn:pulumi:${stack}::`),
  );
  const names = [
    ...own.filter(({ type }) => type === kinds.instance.token).map(({ inputs }) => tagName(inputs)),
    ...records.filter((record) => isOf(kinds.instance, record)).map(nameOf),
  ];
  const ids = new Set([...own, ...records].map(({ id }) => id));
  const [made] = own.flatMap(({ created }) => created ?? []).sort();
  return {
    hosts: [...new Set(names)].filter((name) => name !== "").sort(),
    resources: ids.size,
    ...(made !== undefined && { made }),
  };
}

const tagName = (inputs: StateResource["inputs"]) =>
  ((inputs?.["tags"] ?? {}) as { Name?: string }).Name ?? "";

/** Describes what `destroy` is about to remove. */
export function renderInventory(
  { hosts, resources, made }: Inventory,
  stack: Stack,
  now = Date.now(),
): string {
  const where = stack.target === "local" ? `on this machine, in ${stateDir}` : "on AWS";
  const old = made && `${moment(made)}, ${age((now - Date.parse(made)) / 1000)} ago`;
  return [
    "This removes the lab with its data:",
    `  project  ${root}`,
    `  stack    ${stack.name} (${where})`,
    `  hosts    ${hosts.length === 0 ? "none" : hosts.join(", ")}; ${resources} resources in all`,
    ...(old ? [`  made     ${old}`] : []),
  ].join("\n");
}
