/*
 * Faults of the settings of users, ACLs and quotas.
 */

/** What is wrong, the settings, and the message without `Setting "kafkalab:`. */
export type Fault = [string, Record<string, string>, string];

const USERS = '["alice","bob"]';
const ID =
  "be 1 to 249 printable ASCII characters without blanks, commas, slashes, quotes, * or < and >";
const TOPIC_ALL =
  "read, write, create, delete, alter, describe, describe-configs, alter-configs, all";
const FIELDS = "user, resource, name, prefix, operations, hosts, permission";
const MANY = "Write all limits into one of the two";
const MIB = "Take 1048576, which is 1 MiB per second, or leave it out";

const READ = { user: "alice", resource: "topic", name: "orders", operations: ["read"] };

/** The settings with a sound ACL, but for some fields. */
function acl(fields: Record<string, unknown>): Record<string, string> {
  return { users: USERS, acls: JSON.stringify([{ ...READ, ...fields }]) };
}

/** The settings with quotas. */
function quotas(...all: Record<string, unknown>[]): Record<string, string> {
  return { users: USERS, quotas: JSON.stringify(all) };
}

/** A password that a message must not contain. */
export const PASSWORD = "hunter2-hunter2";

/** The settings with the passwords of users. */
function passwords(all: unknown): Record<string, string> {
  return { users: USERS, userPasswords: typeof all === "string" ? all : JSON.stringify(all) };
}

/** Settings that are wrong, with a password in them. */
export const PASSWORD_FAULTS: Fault[] = [
  [
    "a password instead of passwords by name",
    passwords(PASSWORD),
    `userPasswords": it must be texts by name; got "[secret]". Set it with: pulumi config set --secret --path kafkalab:userPasswords.NAME.`,
  ],
  [
    "a list of passwords",
    passwords([PASSWORD]),
    `userPasswords": it must be texts by name; got "[secret]". Set it with: pulumi config set --secret --path kafkalab:userPasswords.NAME.`,
  ],
  [
    "a user and a password that have changed places",
    passwords({ [PASSWORD]: "alice" }),
    `userPasswords": it must hold names of kafkalab:users only; got "[secret]". Add the user to kafkalab:users, or leave out the password.`,
  ],
  [
    "a password of a misspelt user",
    passwords({ alicia: PASSWORD }),
    `userPasswords": it must hold names of kafkalab:users only; got "[secret]". Did you mean alice? Correct the name, or leave out the password.`,
  ],
  [
    "a password of a user in other letters",
    passwords({ Alice: PASSWORD }),
    `userPasswords": it must hold names of kafkalab:users only; got "[secret]". Did you mean alice? Correct the name, or leave out the password.`,
  ],
  ...["short-11-ch", `${PASSWORD}\n`, ` ${PASSWORD}`, `${PASSWORD} `, "비밀번호비밀번호비밀번호"]
    .concat("x".repeat(129))
    .map((password): Fault => [
      `the password ${JSON.stringify(password)}`,
      passwords({ alice: password }),
      `userPasswords.alice": it must be 12 to 128 printable ASCII characters with no blank at the ends; got "[secret]". Take what this prints: openssl rand -base64 24.`,
    ]),
  [
    "a password below a field",
    passwords({ alice: { password: PASSWORD } }),
    `userPasswords.alice": it must hold a text, a number, true or false for each key; got "[secret]". Write a key with dots in quotes, and give it a value or leave it out.`,
  ],
];

/** Faults of the group "Access". */
export const ACCESS_FAULTS: Fault[] = [
  ...PASSWORD_FAULTS,
  ...["al ice", "", "a".repeat(65), "앨리스", "CN=alice"].map((name): Fault => [
    `the user ${name}`,
    { users: JSON.stringify([name]) },
    `users": it must be 1 to 64 letters, digits, dots, underscores and hyphens; got "${name}". Take one such as alice.`,
  ]),
  [
    "a user without a name for a file",
    { users: '[".."]' },
    `users": it must not be . or .., which are no names of files; got "..". Take one such as alice.`,
  ],
  ...["kafkalab", "ANONYMOUS"].map((name): Fault => [
    `the user ${name}`,
    { users: JSON.stringify([name]) },
    `users": it must not be kafkalab or ANONYMOUS, which every lab has; got "${name}". Take one such as alice.`,
  ]),
  [
    "a user twice",
    { users: '["alice","bob","alice"]' },
    `users": it must hold different names; got ["alice","bob","alice"]. Leave out one alice.`,
  ],
  [
    "ACLs that are no list",
    { acls: '{"alice":"read"}' },
    `acls": it must be a list of objects; got "{\\"alice\\":\\"read\\"}". Set it with: pulumi config set --path 'kafkalab:acls[0].FIELD' VALUE.`,
  ],
  [
    "an ACL for somebody unknown",
    acl({ user: "carol" }),
    `acls[0].user": it must be a name of kafkalab:users, or * for all users; got "carol". Correct it, or add it to kafkalab:users.`,
  ],
  [
    "an ACL for a user in other letters",
    acl({ user: "Alice" }),
    `acls[0].user": it must be a name of kafkalab:users, or * for all users; got "Alice". Correct it, or add it to kafkalab:users.`,
  ],
  [
    "an ACL for nobody",
    acl({ user: undefined }),
    `acls[0].user": it must be a name of kafkalab:users, or * for all users; got "none". Correct it, or add it to kafkalab:users.`,
  ],
  [
    "a strange field of an ACL",
    acl({ topic: "orders" }),
    `acls[0]": it must hold ${FIELDS} only; got "topic". Leave it out.`,
  ],
  [
    "a resource that the lab does not know",
    acl({ resource: "delegation-token" }),
    `acls[0].resource": it must be one of topic, group, cluster, transactional-id; got "delegation-token". Choose topic or group or cluster or transactional-id.`,
  ],
  [
    "neither name nor prefix",
    acl({ name: undefined }),
    `acls[0]": it must have either name or prefix; got none. Give one of them; the name * is for all.`,
  ],
  [
    "name and prefix",
    acl({ prefix: "o" }),
    `acls[0]": it must have either name or prefix; got ["orders","o"]. Give one of them; the name * is for all.`,
  ],
  [
    "a name of the cluster",
    acl({ resource: "cluster", name: "kafka-cluster", operations: ["describe"] }),
    `acls[0]": it must have no name or prefix for cluster; got ["kafka-cluster"]. Leave them out.`,
  ],
  [
    "a prefix for all",
    acl({ name: undefined, prefix: "*" }),
    `acls[0].prefix": it must not be *, which is a name; got "*". Write name: "*" for all.`,
  ],
  [
    "a bad name of a topic in an ACL",
    acl({ name: "ord ers" }),
    `acls[0].name": it must be 1 to 249 letters, digits, dots, hyphens and underscores; got "ord ers". Take one such as peter-overview01.`,
  ],
  ...["a,b", "a/b", "a b", "it's", "", 7].map((name): Fault => [
    `the group ${name}`,
    acl({ resource: "group", name }),
    `acls[0].name": it must ${ID}; got ${JSON.stringify(name)}. Take one such as billing-1.`,
  ]),
  [
    "an operation that groups do not have",
    acl({ resource: "group", operations: ["read", "write"] }),
    `acls[0].operations": it must hold one or more of read, delete, describe, all; got "write". Choose those for group.`,
  ],
  [
    "an operation that transactions do not have",
    acl({ resource: "transactional-id", operations: ["read"] }),
    `acls[0].operations": it must hold one or more of write, describe, all; got "read". Choose those for transactional-id.`,
  ],
  [
    "an operation in Kafka's capitals",
    acl({ operations: ["READ"] }),
    `acls[0].operations": it must hold one or more of ${TOPIC_ALL}; got "READ". Choose those for topic.`,
  ],
  [
    "no operations",
    acl({ operations: [] }),
    `acls[0].operations": it must hold one or more of ${TOPIC_ALL}; got none. Choose those for topic.`,
  ],
  [
    "an operation that is no list",
    acl({ operations: "read" }),
    `acls[0].operations": it must hold one or more of ${TOPIC_ALL}; got "read". Choose those for topic.`,
  ],
  ...["10.20.0.0/16", "10.20.0.300", "010.20.0.1", "::1", "localhost", 10].map((host): Fault => [
    `the host ${host}`,
    acl({ hosts: ["*", host] }),
    `acls[0].hosts": it must hold IPv4 addresses, or *; got ${JSON.stringify(host)}. Leave it out for all addresses, or name some such as "10.20.96.10".`,
  ]),
  [
    "no hosts",
    acl({ hosts: [] }),
    `acls[0].hosts": it must hold IPv4 addresses, or *; got none. Leave it out for all addresses, or name some such as "10.20.96.10".`,
  ],
  [
    "neither allowed nor denied",
    acl({ permission: "ALLOW" }),
    `acls[0].permission": it must be one of allow, deny; got "ALLOW". Leave it out for allow.`,
  ],
  [
    "quotas that are no objects",
    { quotas: '["alice"]' },
    `quotas": it must be a list of objects; got "[\\"alice\\"]". Set it with: pulumi config set --path 'kafkalab:quotas[0].FIELD' VALUE.`,
  ],
  [
    "a quota of nobody",
    quotas({ fetch: 1 }),
    `quotas[0]": it must have user or client or both; got {"fetch":1}. Give one of them.`,
  ],
  [
    "a quota without a limit",
    quotas({ user: "alice" }),
    `quotas[0]": it must have one or more of produce, fetch, request; got {"user":"alice"}. Give one of them.`,
  ],
  [
    "a strange field of a quota",
    quotas({ user: "alice", fetch: 1, consume: 1 }),
    `quotas[0]": it must hold user, client, produce, fetch, request only; got "consume". Leave it out.`,
  ],
  [
    "a quota of somebody unknown",
    quotas({ user: "carol", fetch: 1 }),
    `quotas[0].user": it must be a name of kafkalab:users, ANONYMOUS, or <default> for all others; got "carol". Correct it, or add it to kafkalab:users.`,
  ],
  [
    "a quota of a bad client",
    quotas({ client: "a b", fetch: 1 }),
    `quotas[0].client": it must ${ID}; got "a b". Take one such as billing-1.`,
  ],
  ...[0, -1, 1.5, "1", 2 ** 53].flatMap((limit): Fault[] =>
    ["produce", "fetch"].map((field): Fault => [
      `${field} of ${JSON.stringify(limit)}`,
      quotas({ user: "alice", [field]: limit }),
      `quotas[0].${field}": it must be a whole number from 1 to 9007199254740991 (bytes per second); got ${JSON.stringify(limit)}. ${MIB}.`,
    ]),
  ),
  ...[0, -0.5, "50"].map((limit): Fault => [
    `a request of ${JSON.stringify(limit)}`,
    quotas({ client: "a", request: limit }),
    `quotas[0].request": it must be a number above 0 (percent of the time of one thread); got ${JSON.stringify(limit)}. Take 50, or leave it out.`,
  ]),
  ...[{ user: "alice" }, { client: "<default>" }, { user: "<default>", client: "a" }].map(
    (entity): Fault => [
      `two quotas of ${JSON.stringify(entity)}`,
      quotas({ ...entity, fetch: 1 }, { ...entity, produce: 2 }),
      `quotas[1]": it must differ from every other quota in user or client; got ${JSON.stringify({ ...entity, produce: 2 })}. ${MANY}.`,
    ],
  ),
];
