/*
 * The marks of Pulumi's engine for secrets and for values that a preview does not know yet. The Node.js
 * provider SDK does not remove them.
 */

const SIGNATURE_KEY = "4dabf18193072939515e22adb298388d";
const SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270";
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Properties by name, with unknown types. */
export type Values = { [name: string]: unknown };

interface Secret {
  value: unknown;
}

function isSecret(value: unknown): value is Secret {
  return isObject(value) && value[SIGNATURE_KEY] === SECRET_SIGNATURE;
}

/** Whether the value is an object, and neither a list nor null. */
export function isObject(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether the value is unknown until another resource exists. */
export const isUnknown = (value: unknown) => value === UNKNOWN;

/** Whether any part of the value is unknown. */
export function containsUnknown(value: unknown): boolean {
  if (Array.isArray(value)) {
    return value.some(containsUnknown);
  }
  if (isObject(value)) {
    return Object.values(value).some(containsUnknown);
  }
  return isUnknown(value);
}

/** Removes secret marks from a value, at any depth. */
export function reveal(value: unknown): unknown {
  if (isSecret(value)) {
    return reveal(value.value);
  }
  if (Array.isArray(value)) {
    return value.map(reveal);
  }
  if (isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, reveal(item)]));
  }
  return value;
}

/** Like {@link reveal}, for the properties of a resource. */
export function revealAll(values: Values): Values {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, reveal(value)] as const),
  );
}

/** Marks a property as secret if the property of the same name in `like` contains a secret. */
export function conceal(values: Values, like: Values): Values {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      containsSecret(like[name]) ? { [SIGNATURE_KEY]: SECRET_SIGNATURE, value } : value,
    ]),
  );
}

function containsSecret(value: unknown): boolean {
  if (isSecret(value)) {
    return true;
  }
  if (Array.isArray(value)) {
    return value.some(containsSecret);
  }
  return isObject(value) && Object.values(value).some(containsSecret);
}
