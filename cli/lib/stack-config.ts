import { isAlias, isCollection, isMap, isScalar, parseDocument } from "yaml";
import { Refusal } from "./refusal";

/**
 * Reads the configuration in a `Pulumi.STACK.yaml`, by full name. The values have the same format as
 * Pulumi's: a scalar as written, any other value as JSON. Leaves out values that contain a secret, which only
 * the stack's key can read. The lab also works without its only setting of this kind, the users' passwords.
 */
export function readStackConfig(text: string, file: string): Record<string, string> {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) {
    throw new Refusal(`${file}: it must be YAML; got: ${error.message}`);
  }
  const config = document.get("config");
  if (!isMap(config)) {
    return {};
  }
  const pairs = config.items.map(({ key, value }) => {
    const name = String(key);
    const node = isAlias(value) ? value.resolve(document) : value;
    const json = isCollection(node) ? JSON.stringify(node.toJS(document)) : "";
    return {
      name: name.includes(":") ? name : `kafkalab:${name}`,
      text: isScalar(node) ? (node.source ?? "") : json,
      secret: hasSecret(isCollection(node) ? node.toJS(document) : undefined),
    };
  });
  return Object.fromEntries(
    pairs.filter(({ secret }) => !secret).map(({ name, text: value }) => [name, value]),
  );
}

/** Whether a value is a secret, which Pulumi writes as `secure: TEXT`, or contains one. */
function hasSecret(value: unknown): boolean {
  if (typeof value !== "object" || value === null) {
    return false;
  }
  const keys = Object.keys(value);
  return (keys.length === 1 && keys[0] === "secure") || Object.values(value).some(hasSecret);
}
