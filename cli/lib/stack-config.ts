import { isAlias, isCollection, isMap, isScalar, parseDocument } from "yaml";
import { Refusal } from "./refusal";

/**
 * The configuration in the text of a `Pulumi.STACK.yaml`, by full name, as Pulumi hands it to the
 * program: a scalar as it is written, anything else as JSON. Secrets are left out: to read them
 * takes the stack's key, and none of the settings is one.
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
