import * as z from "zod";
import type { InputsSchema, Kind } from "./kind";
import type { Failure, ResourceType } from "./resource";
import { containsUnknown, isObject, isUnknown, revealAll, type Values } from "./values";

/** Returns all errors in a resource's inputs that need no other resource. Accepts unknown values. */
export function checkInputs(type: ResourceType, raw: Values): Failure[] {
  const inputs = revealAll(raw);
  const failures = checkProperties(type.kind, inputs);
  if (failures.length > 0 || !type.checkTogether) {
    return failures;
  }
  return type.checkTogether(inputs);
}

/** Returns the errors of each property on its own. */
export function checkProperties({ inputs: schema }: Kind, inputs: Values): Failure[] {
  const { error } = schema.safeParse(withoutAbsent(schema, inputs));
  return (error?.issues ?? []).flatMap((issue) => failuresOf(schema, inputs, issue));
}

/** Removes properties that are null: Pulumi uses null for absent properties. */
function withoutAbsent(schema: z.core.$ZodType, value: unknown): unknown {
  const type = bare(schema);
  const fields = fieldsOf(type);
  if (fields && isObject(value)) {
    const present = Object.entries(value).filter(([, item]) => item !== undefined && item !== null);
    return Object.fromEntries(
      present.map(([name, item]) => [name, withoutAbsent(fields[name] ?? z.unknown(), item)]),
    );
  }
  if (type instanceof z.ZodArray && Array.isArray(value)) {
    return value.map((item) => withoutAbsent(elementOf(type), item));
  }
  return value;
}

/** A property's schema without its optional and default wrappers. */
export function bare(schema: z.core.$ZodType): z.core.$ZodType {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault
    ? bare(schema.unwrap())
    : schema;
}

/** The schemas of an object's properties. @default undefined, if the schema is not an object */
export function fieldsOf(schema: z.core.$ZodType): InputsSchema["shape"] | undefined {
  return schema instanceof z.ZodObject ? (schema as InputsSchema).shape : undefined;
}

/** The schema of the items of a list. */
export const elementOf = (list: z.ZodArray): z.core.$ZodType => bare(list.unwrap());

type Issue = z.core.$ZodIssue;

function failuresOf(top: InputsSchema, inputs: Values, issue: Issue): Failure[] {
  const { path, schema, value, isWhole } = locate(top, inputs, issue.path);
  const property = nameOf(path);
  if (issue.code === "unrecognized_keys") {
    const known = Object.keys(fieldsOf(schema) ?? {})
      .sort()
      .join(", ");
    return issue.keys
      .filter((key) => !key.startsWith("__"))
      .map((key) => ({
        property: nameOf([...path, key]),
        reason: `is not a property that the local cloud knows; it knows ${known}`,
      }));
  }
  if (value === undefined || value === null) {
    return [{ property, reason: "is required" }];
  }
  const isOfType =
    isWhole &&
    issue.code !== "invalid_type" &&
    (issue.code !== "invalid_value" || typeof value === "string");
  if (isUnknown(value) || (isOfType && containsUnknown(value))) {
    return [];
  }
  const rule = isOfType ? ruleOf(issue) : `must be ${typeName(schema)}`;
  return [{ property, reason: `${rule}; got ${JSON.stringify(value)}` }];
}

const ruleOf = (issue: Issue) =>
  issue.code === "invalid_value" ? `must be one of ${issue.values.join(", ")}` : issue.message;

/** `rootBlockDevice.volumeSize`, `vpcs[0].vpcId` */
const nameOf = (path: PropertyKey[]) =>
  path
    .map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`))
    .join("")
    .replace(/^\./, "");

/** The location of an issue: the innermost property with a name. */
interface Place {
  path: PropertyKey[];
  schema: z.core.$ZodType;
  value: unknown;
  /** Whether the issue concerns the whole value and not one item of it. */
  isWhole: boolean;
}

function locate(top: InputsSchema, inputs: Values, path: PropertyKey[]): Place {
  const place: Place = { path: [], schema: top, value: inputs, isWhole: true };
  for (const step of path) {
    const inner = inside(place, step);
    if (inner === undefined) {
      return { ...place, isWhole: false };
    }
    place.path.push(step);
    [place.schema, place.value] = inner;
  }
  return place;
}

/** The schema and the value of a property of an object, also of an object in a list. */
function inside(
  { schema, value }: Place,
  step: PropertyKey,
): [z.core.$ZodType, unknown] | undefined {
  const fields = fieldsOf(schema);
  if (fields && isObject(value)) {
    const property = fields[String(step)];
    return property && [bare(property), value[String(step)]];
  }
  if (schema instanceof z.ZodArray && Array.isArray(value)) {
    const item: unknown = value[Number(step)];
    const element = elementOf(schema);
    return fieldsOf(element) && isObject(item) ? [element, item] : undefined;
  }
  return undefined;
}

function typeName(schema: z.core.$ZodType): string {
  if (schema instanceof z.ZodArray) {
    return fieldsOf(elementOf(schema)) ? "a list of objects" : "a list of strings";
  }
  if (schema instanceof z.ZodRecord) {
    return "a map of strings";
  }
  if (schema instanceof z.ZodObject) {
    return "an object";
  }
  if (schema instanceof z.ZodNumber) {
    return "a number";
  }
  return schema instanceof z.ZodBoolean ? "a boolean" : "a string";
}
