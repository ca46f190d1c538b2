import { isDeepStrictEqual } from "node:util";
import * as z from "zod";
import { bare, elementOf, fieldsOf } from "./check";
import { rulesOf, type InputsSchema, type Kind } from "./kind";
import { containsUnknown, isObject, revealAll, type Values } from "./values";

/** The names of the inputs that differ between the old and the new inputs. */
export function changedProperties({ inputs }: Kind, olds: Values, news: Values): string[] {
  const [before, after] = [revealAll(olds), revealAll(news)];
  return Object.entries(inputs.shape)
    .filter(([name, property]) => differs(property, before[name], after[name]))
    .map(([name]) => name);
}

/** Whether a change of the property replaces the resource. */
export function replacing({ inputs }: Kind, name: string, news: Values): boolean {
  const property = inputs.shape[name];
  const rule = property && rulesOf(property).replaces;
  return typeof rule === "string" ? revealAll(news)[rule] === true : rule === true;
}

/** AWS's default for a property. */
export const defaultOf = (property: z.core.$ZodType): unknown =>
  property instanceof z.ZodDefault ? property.def.defaultValue : undefined;

function differs(property: z.core.$ZodType, before: unknown, after: unknown): boolean {
  if (containsUnknown(after)) {
    return true;
  }
  const { computed, unordered } = rulesOf(property);
  const [had, wanted] = [before ?? defaultOf(property), after ?? defaultOf(property)];
  if (wanted === undefined) {
    return !computed && !isEmpty(had);
  }
  const type = bare(property);
  const fields = fieldsOf(type);
  if (fields) {
    return fieldsDiffer(fields, had, wanted);
  }
  const itemFields = type instanceof z.ZodArray ? fieldsOf(elementOf(type)) : undefined;
  if (itemFields) {
    const [old, now] = [asList(had), asList(wanted)];
    return (
      old.length !== now.length || now.some((item, i) => fieldsDiffer(itemFields, old[i], item))
    );
  }
  if (isEmpty(had) && isEmpty(wanted)) {
    return false;
  }
  return unordered
    ? !isDeepStrictEqual(sorted(had), sorted(wanted))
    : !isDeepStrictEqual(had, wanted);
}

function fieldsDiffer(fields: InputsSchema["shape"], had: unknown, wanted: unknown): boolean {
  const [old, now] = [isObject(had) ? had : {}, isObject(wanted) ? wanted : {}];
  return Object.entries(fields).some(([name, field]) => differs(field, old[name], now[name]));
}

const asList = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

const sorted = (value: unknown) => [...asList(value)].sort();

const isEmpty = (value: unknown) =>
  value === undefined ||
  value === null ||
  value === "" ||
  (Array.isArray(value) && value.length === 0) ||
  (isObject(value) && Object.keys(value).length === 0);
