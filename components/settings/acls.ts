import { CLUSTER_NAME } from "../../operator/kafka/access/bindings";
import type { AclOperation, AclResource, AclWish } from "../../operator/wish";
import { isSecure } from "../lib/kafka-security";
import { formatCidr, parseCidr } from "../lib/addresses";
import { type Breach } from "./breach";
import { type Context, type Judge, records } from "./define";
import { badId, badTopicPart } from "./resource-names";
import { breach } from "./rules";
import { security } from "./security";
import { users } from "./users";

/** The word for all users, all names or all addresses. */
const ALL = "*";

const FIELDS = ["user", "resource", "name", "prefix", "operations", "hosts", "permission"];

/** The operations of each resource, from `AclEntry.supportedOperations` of Kafka 3.8 and 3.9. */
const OPERATIONS: Record<AclResource, readonly AclOperation[]> = {
  topic: [
    ...(["read", "write", "create", "delete", "alter", "describe"] as const),
    ...(["describe-configs", "alter-configs", "all"] as const),
  ],
  group: ["read", "delete", "describe", "all"],
  cluster: [
    ...(["create", "alter", "describe", "cluster-action"] as const),
    ...(["describe-configs", "alter-configs", "idempotent-write", "all"] as const),
  ],
  "transactional-id": ["write", "describe", "all"],
};
const RESOURCES = Object.keys(OPERATIONS) as AclResource[];
const PERMISSIONS = ["allow", "deny"] as const;

/**
 * Rejects ACLs in a lab without security: its brokers have no authorizer, and know no users.
 */
function badWithoutSecurity(values: readonly AclWish[], context: Context): Breach | undefined {
  return breach(
    values.length > 0 && !isSecure(context.get(security)),
    "be empty while kafkalab:security is plaintext, since brokers then know no users",
    "Set kafkalab:security to tls or sasl, or remove the ACLs with: pulumi config rm kafkalab:acls",
  );
}

export const acls = records({
  name: "acls",
  rule: {
    text:
      `hold objects with user (a name of kafkalab:users, or ${ALL}), resource (${RESOURCES.join(", ")}), ` +
      "name or prefix (neither for cluster), operations (" +
      RESOURCES.map((each) => `${each}: ${OPERATIONS[each].join(", ")}`).join("; ") +
      `), hosts (IPv4 addresses, by default ${ALL}) and permission (allow, the default, or deny)`,
    together: badWithoutSecurity,
  },
  text:
    "What users may do. Brokers reject everything that no ACL allows; an ACL with permission deny " +
    "takes precedence.",
  change:
    "A change restarts nothing. Pulumi adds new ACLs, then removes the ACLs that you leave out. It does " +
    "not change ACLs that somebody else has added.",
  example: [
    { user: "alice", resource: "topic", prefix: "orders-", operations: ["read", "write"] },
    { user: "alice", resource: "group", name: "billing", operations: ["read"] },
    { user: "bob", resource: "cluster", operations: ["describe"], hosts: ["10.20.96.10"] },
  ],
  items: (entries, judge, context) =>
    entries.map((fields, index) => readAcl(fields, `acls[${index}]`, judge, context)),
});

function readAcl(
  fields: Record<string, unknown>,
  at: string,
  judge: Judge,
  context: Context,
): AclWish {
  for (const field of Object.keys(fields).filter((key) => !FIELDS.includes(key))) {
    judge({ rule: `hold ${FIELDS.join(", ")} only`, remedy: "Leave it out" }, field, at);
  }
  const { user = "none", permission = "allow" } = fields;
  judge(badUser(user, context.get(users)), user, `${at}.user`);
  judge(badPermission(permission), permission, `${at}.permission`);
  const resource = RESOURCES.find((each) => each === fields.resource);
  judge(badResource(resource), fields.resource ?? "none", `${at}.resource`);
  return {
    user: String(user),
    permission: permission === "deny" ? "deny" : "allow",
    resource: resource ?? "topic",
    ...readName(fields, resource, at, judge),
    operations: readOperations(fields.operations, resource, `${at}.operations`, judge),
    hosts: readHosts(fields.hosts, `${at}.hosts`, judge),
  };
}

/** Reads the field `name` or `prefix`. Judges only their number if the resource is not known. */
function readName(
  { name, prefix }: Record<string, unknown>,
  resource: AclResource | undefined,
  at: string,
  judge: Judge,
): Pick<AclWish, "pattern" | "name"> {
  const given = [name, prefix].filter((each) => each !== undefined);
  if (resource === "cluster") {
    const remedy = "Leave them out";
    judge(breach(given.length > 0, "have no name or prefix for cluster", remedy), given, at);
    return { pattern: "literal", name: CLUSTER_NAME };
  }
  const remedy = `Give one of them; the name ${ALL} is for all`;
  judge(breach(given.length !== 1, "have either name or prefix", remedy), given, at);
  const [pattern, field] =
    prefix === undefined ? (["literal", "name"] as const) : (["prefixed", "prefix"] as const);
  if (resource !== undefined && given.length === 1) {
    judge(badPattern(given[0], resource, pattern), given[0], `${at}.${field}`);
  }
  return { pattern, name: typeof given[0] === "string" ? given[0] : "" };
}

function badPattern(
  value: unknown,
  resource: Exclude<AclResource, "cluster">,
  pattern: AclWish["pattern"],
): Breach | undefined {
  if (value === ALL) {
    const rule = `not be ${ALL}, which is a name`;
    return breach(pattern === "prefixed", rule, `Write name: "${ALL}" for all`);
  }
  return resource === "topic" ? badTopicPart(value) : badId(value);
}

function readOperations(
  value: unknown,
  resource: AclResource | undefined,
  at: string,
  judge: Judge,
): AclOperation[] {
  const known = [
    ...new Set(resource === undefined ? Object.values(OPERATIONS).flat() : OPERATIONS[resource]),
  ];
  const rule = `hold one or more of ${known.join(", ")}`;
  const remedy = resource === undefined ? "Choose some" : `Choose those for ${resource}`;
  if (!isFilled(value)) {
    judge({ rule, remedy }, value ?? "none", at);
    return [];
  }
  return value.flatMap((item) => {
    const operation = known.find((each) => each === item);
    judge(breach(operation === undefined, rule, remedy), item, at);
    return operation ?? [];
  });
}

function readHosts(value: unknown, at: string, judge: Judge): string[] {
  const rule = `hold IPv4 addresses, or ${ALL}`;
  const remedy = `Leave it out for all addresses, or name some such as "10.20.96.10"`;
  if (value === undefined) {
    return [ALL];
  }
  if (!isFilled(value)) {
    judge({ rule, remedy }, value, at);
    return [];
  }
  return value.filter((item): item is string =>
    judge(breach(item !== ALL && !isAddress(item), rule, remedy), item, at),
  );
}

function isFilled(value: unknown): value is unknown[] {
  return Array.isArray(value) && value.length > 0;
}

/** Whether a value is an IPv4 address as Kafka writes it. Kafka compares addresses as texts. */
function isAddress(value: unknown): boolean {
  const block = typeof value === "string" ? parseCidr(`${value}/32`) : undefined;
  return block !== undefined && formatCidr(block) === `${String(value)}/32`;
}

function badUser(value: unknown, known: string[]): Breach | undefined {
  return breach(
    value !== ALL && !known.some((name) => name === value),
    `be a name of kafkalab:users, or ${ALL} for all users`,
    "Correct it, or add it to kafkalab:users",
  );
}

function badPermission(value: unknown): Breach | undefined {
  return breach(
    !PERMISSIONS.some((word) => word === value),
    `be one of ${PERMISSIONS.join(", ")}`,
    "Leave it out for allow",
  );
}

function badResource(found: AclResource | undefined): Breach | undefined {
  return breach(
    found === undefined,
    `be one of ${RESOURCES.join(", ")}`,
    `Choose ${RESOURCES.join(" or ")}`,
  );
}
