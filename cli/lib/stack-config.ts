import { isAlias, isCollection, isMap, isScalar, parseDocument } from "yaml";
import { Refusal } from "./refusal";

/**
 * Reads the configuration in a `Pulumi.STACK.yaml`, by full name. The values have the same format as
 * Pulumi's: a scalar as written, any other value as JSON. Leaves out secrets: they need the stack's key, and
 * no setting of the lab is a secret.
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
      secret: isMap(node) && node.has("secure"),
    };
  });
  return Object.fromEntries(
    pairs.filter(({ secret }) => !secret).map(({ name, text: value }) => [name, value]),
  );
}
