import { isDeepStrictEqual } from "node:util";
import type { Property, ResourceType } from "./resource";
import { containsUnknown, isObject, reveal, type Values } from "./values";

/** The names of the inputs that differ between what a resource has and what it should have. */
export function changedProperties(type: ResourceType, olds: Values, news: Values): string[] {
  const [before, after] = [reveal(olds) as Values, reveal(news) as Values];
  return Object.entries(type.schema)
    .filter(([name, property]) => differs(property, before[name], after[name]))
    .map(([name]) => name);
}

/** Whether a change of the property makes a new resource. */
export function replacing({ replace }: Property, news: Values): boolean {
  return typeof replace === "function" ? replace(reveal(news) as Values) : replace === true;
}

function differs(property: Property, before: unknown, after: unknown): boolean {
  if (containsUnknown(after)) return true;
  const [had, wanted] = [before ?? property.default, after ?? property.default];
  if (wanted === undefined) return !property.computed && !isEmpty(had);
  if (property.type === "object") return fieldsDiffer(property, had, wanted);
  if (property.type === "objects") {
    const [old, now] = [(had ?? []) as unknown[], wanted as unknown[]];
    return old.length !== now.length || now.some((item, i) => fieldsDiffer(property, old[i], item));
  }
  if (isEmpty(had) && isEmpty(wanted)) return false;
  return !isDeepStrictEqual(sorted(property, had), sorted(property, wanted));
}

function fieldsDiffer(property: Property, had: unknown, wanted: unknown): boolean {
  const [old, now] = [isObject(had) ? had : {}, wanted as Values];
  return Object.entries(property.fields ?? {}).some(([k, p]) => differs(p, old[k], now[k]));
}

const isEmpty = (value: unknown) =>
  value === undefined ||
  value === null ||
  value === "" ||
  (Array.isArray(value) && value.length === 0) ||
  (isObject(value) && Object.keys(value).length === 0);

function sorted(property: Property, value: unknown): unknown {
  return property.unordered && Array.isArray(value) ? [...(value as string[])].sort() : value;
}
