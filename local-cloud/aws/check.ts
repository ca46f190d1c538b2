import { REGION, ZONES } from "./ids";
import type { Property, ResourceType, Schema } from "./resource";
import { containsUnknown, isObject, isUnknown, reveal, type Values } from "./values";

export interface Failure {
  property: string;
  reason: string;
}

/** Everything that is wrong with a resource's inputs by themselves. Unknown values pass. */
export function checkInputs(type: ResourceType, raw: Values): Failure[] {
  const inputs = reveal(raw) as Values;
  const failures = checkObject(type.schema, inputs, "");
  if (failures.length === 0 && type.checkTogether) failures.push(...type.checkTogether(inputs));
  return failures;
}

function checkObject(schema: Schema, inputs: Values, path: string): Failure[] {
  const failures: Failure[] = [];
  for (const name of Object.keys(inputs)) {
    if (Object.hasOwn(schema, name) || name.startsWith("__") || inputs[name] === undefined)
      continue;
    failures.push({
      property: path + name,
      reason: `is not a property that the local cloud knows; it knows ${Object.keys(schema).sort().join(", ")}`,
    });
  }
  for (const [name, property] of Object.entries(schema)) {
    const value = inputs[name];
    if (value === undefined || value === null) {
      if (property.required) failures.push({ property: path + name, reason: "is required" });
    } else if (!isUnknown(value)) {
      failures.push(...checkValue(property, value, path + name));
    }
  }
  return failures;
}

function checkValue(property: Property, value: unknown, path: string): Failure[] {
  const fail = (reason: string) => [{ property: path, reason }];
  const shown = JSON.stringify(value);
  switch (property.type) {
    case "string":
    case "number":
    case "boolean":
      if (typeof value !== property.type) return fail(`must be a ${property.type}; got ${shown}`);
      break;
    case "strings":
      if (!Array.isArray(value) || value.some((v) => typeof v !== "string"))
        return fail(`must be a list of strings; got ${shown}`);
      break;
    case "map":
      if (!isObject(value) || Object.values(value).some((v) => typeof v !== "string"))
        return fail(`must be a map of strings; got ${shown}`);
      break;
    case "object":
      if (!isObject(value)) return fail(`must be an object; got ${shown}`);
      return checkObject(property.fields ?? {}, value, `${path}.`);
    case "objects":
      if (!Array.isArray(value) || !value.every(isObject))
        return fail(`must be a list of objects; got ${shown}`);
      return value.flatMap((v, i) => checkObject(property.fields ?? {}, v, `${path}[${i}].`));
  }
  if (containsUnknown(value)) return [];
  if (property.oneOf && !property.oneOf.includes(value as string)) {
    return fail(`must be one of ${property.oneOf.join(", ")}; got ${shown}`);
  }
  const reason = property.check?.(value as never);
  return reason === undefined ? [] : fail(`${reason}; got ${shown}`);
}

/** Every resource of a region takes it as a property; the local cloud has one. */
export const IN_REGION: Schema = {
  region: { type: "string", computed: true, replace: true, oneOf: [REGION] },
};

export const TAGS: Schema = { tags: { type: "map" }, ...IN_REGION };

const LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?";
const DOMAIN_NAME = new RegExp(`^${LABEL}(\\.${LABEL})*\\.?$`, "i");

/** A name without wildcards, such as `foo.bar` or `foo.bar.`. */
export const isDomainName = (name: string) => name.length <= 255 && DOMAIN_NAME.test(name);

export const domainName = (name: string) =>
  isDomainName(name) ? undefined : "must be a domain name without wildcards";

export const zoneName: Property = {
  type: "string",
  oneOf: Object.keys(ZONES),
};
