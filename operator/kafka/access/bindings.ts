/*
 * ACL bindings: one user, host, operation and resource each, as `kafka-acls.sh` lists them.
 */
import { z } from "zod";
import type { AclWish } from "../../wish";

/** The only name of a resource of the type CLUSTER. */
export const CLUSTER_NAME = "kafka-cluster";

/** One binding. All words are Kafka's: `DESCRIBE_CONFIGS`, `TRANSACTIONAL_ID`, `PREFIXED`. */
export const binding = z.strictObject({
  /** `User:alice` */
  principal: z.string(),
  /** An address; `*` for all addresses. */
  host: z.string(),
  operation: z.string(),
  permission: z.string(),
  resource: z.string(),
  pattern: z.string(),
  name: z.string(),
});

export type Binding = z.infer<typeof binding>;

/** Returns the text by which two bindings are the same one. Kafka compares all parts letter by letter. */
export function bindingId(each: Binding): string {
  const { principal, host, operation, permission, resource, pattern, name } = each;
  return JSON.stringify([principal, host, operation, permission, resource, pattern, name]);
}

/** Returns the bindings of ACLs of the wish. */
export function bindingsOf(acls: readonly AclWish[]): Binding[] {
  return acls.flatMap(({ user, resource, pattern, name, operations, hosts, permission }) =>
    hosts.flatMap((host) =>
      operations.map((operation) => ({
        ...{ principal: `User:${user}`, host, name },
        operation: kafkaWord(operation),
        permission: kafkaWord(permission),
        resource: kafkaWord(resource),
        pattern: kafkaWord(pattern),
      })),
    ),
  );
}

/** `describe-configs` becomes `DESCRIBE_CONFIGS`. */
const kafkaWord = (word: string) => word.replaceAll("-", "_").toUpperCase();

const RESOURCE =
  /^Current ACLs for resource `ResourcePattern\(resourceType=([A-Z_]+), name=(.*), patternType=([A-Z]+)\)`: $/;
/** A principal may contain commas and `=`, but the address after it does not. */
const BINDING =
  /^ ?\t\(principal=(.+), host=([^,\s]+), operation=([A-Z_]+), permissionType=([A-Z]+)\) ?$/;

/**
 * Reads what `kafka-acls.sh --list` prints.
 *
 * @throws Error that shows a line with another format.
 */
export function readBindings(text: string): Binding[] {
  const bindings: Binding[] = [];
  let current: Pick<Binding, "resource" | "name" | "pattern"> | undefined;
  for (const line of text.split("\n").filter((each) => each.trim() !== "")) {
    const [, resource, name, pattern] = RESOURCE.exec(line) ?? [];
    if (resource !== undefined && name !== undefined && pattern !== undefined) {
      current = { resource, name, pattern };
      continue;
    }
    bindings.push({ ...readBinding(line), ...(current ?? unreadable(line)) });
  }
  return bindings;
}

function readBinding(
  line: string,
): Pick<Binding, "principal" | "host" | "operation" | "permission"> {
  const [, principal, host, operation, permission] = BINDING.exec(line) ?? [];
  return principal === undefined ||
    host === undefined ||
    operation === undefined ||
    permission === undefined
    ? unreadable(line)
    : { principal, host, operation, permission };
}

function unreadable(line: string): never {
  throw new Error(
    'kafka-acls.sh: its output must hold "(principal=..., host=..., operation=..., permissionType=...)" ' +
      `below "Current ACLs for resource ...: "; got "${line}"`,
  );
}
