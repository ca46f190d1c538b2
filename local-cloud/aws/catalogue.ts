import type { StoredResource } from "../machine/store";
import type { ResourceType } from "./resource";
import { resourceTypes } from "./resources";

/** The resource type of a token, for example `aws:ec2/vpc:Vpc`. */
export function typeOfToken(token: string): ResourceType {
  const type = resourceTypes[token];
  if (!type) {
    const known = Object.keys(resourceTypes).sort().join(", ");
    throw new Error(`the local cloud has no resource type ${token}; it has ${known}`);
  }
  return type;
}

/** The type of a resource. Its URN has the form `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`. */
export const typeOf = (urn: string): ResourceType =>
  typeOfToken(urn.split("::")[2]?.split("$").at(-1) ?? "");

/** The name of a resource in the program. */
export const logicalName = (urn: string) => urn.split("::").slice(3).join("::");

/** The key of a resource's record. */
export const keyOf = (type: ResourceType, id: string) => type.keyOf?.(id) ?? id;

/** Like {@link keyOf}, for a record. */
export const keyOfRecord = ({ type, id }: StoredResource) => keyOf(typeOfToken(type), id);
