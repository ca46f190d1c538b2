import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type AccessPlan,
  type AccessStep,
  describeStep,
  planOf,
  type ValuedAccess,
} from "../../../operator/kafka/access/access-plan";
import {
  batchArgs,
  batchesOf,
  bindingsIn,
  describeBatch,
} from "../../../operator/kafka/access/batches";
import {
  type Binding,
  bindingId,
  bindingsOf,
  readBindings,
} from "../../../operator/kafka/access/bindings";
import {
  credentialId,
  entityId,
  type Limit,
  limitId,
  limitsOf,
  readEntities,
} from "../../../operator/kafka/access/entities";
import { type Access, noteText, readNote, unionOf } from "../../../operator/kafka/access/note";
import { describedLimits, describedUsers, listed } from "./kafka-access";

const READ: Binding = {
  ...{ principal: "User:alice", host: "*", operation: "READ", permission: "ALLOW" },
  ...{ resource: "TOPIC", pattern: "LITERAL", name: "orders" },
};

/** Names that must not be mixed up. */
const word = fc.constantFrom("a", "A", "b", "a.b", "a_b", "-x", "*");
const bindings = fc.array(
  fc.record({
    principal: word.map((name) => `User:${name}`),
    host: fc.constantFrom("*", "10.0.0.1", "10.0.0.10"),
    operation: fc.constantFrom("READ", "WRITE", "DESCRIBE_CONFIGS", "ALL"),
    permission: fc.constantFrom("ALLOW", "DENY"),
    resource: fc.constantFrom("TOPIC", "GROUP", "TRANSACTIONAL_ID"),
    pattern: fc.constantFrom("LITERAL", "PREFIXED"),
    name: word,
  }),
  { maxLength: 40 },
);
const entityName = fc.constantFrom("a", "A", "<default>", null);
const limits = fc.uniqueArray(
  fc
    .record({
      entity: fc.oneof(
        fc.record({ user: entityName }),
        fc.record({ client: entityName }),
        fc.record({ user: entityName, client: entityName }),
      ),
      key: fc.constantFrom("producer_byte_rate", "consumer_byte_rate", "request_percentage"),
      value: fc.constantFrom(1, 0.5, 1048576, 1e7, Number.MAX_SAFE_INTEGER),
    })
    .map(({ entity, key, value }): Limit => ({ ...entity, key, value })),
  { selector: limitId, maxLength: 12 },
);
const credentials = fc.uniqueArray(
  fc.record({ user: word, mechanism: fc.constantFrom("SCRAM-SHA-256", "SCRAM-SHA-512") }),
  { selector: credentialId, maxLength: 8 },
);
const access: fc.Arbitrary<ValuedAccess> = fc.record({ credentials, bindings, limits });
const idsOf = (items: readonly Binding[]) => [...new Set(items.map(bindingId))].sort();

describe("bindingsOf", () => {
  test("is each operation from each host, in Kafka's words", () => {
    const acl = {
      ...({ user: "*", resource: "transactional-id", pattern: "prefixed", name: "tx" } as const),
      ...{ operations: ["write" as const, "describe-configs" as const], hosts: ["10.0.0.1", "*"] },
      permission: "deny" as const,
    };
    const shared = {
      ...{ principal: "User:*", permission: "DENY", resource: "TRANSACTIONAL_ID" },
      ...{ pattern: "PREFIXED", name: "tx" },
    };
    expect(bindingsOf([acl])).toEqual([
      { ...shared, host: "10.0.0.1", operation: "WRITE" },
      { ...shared, host: "10.0.0.1", operation: "DESCRIBE_CONFIGS" },
      { ...shared, host: "*", operation: "WRITE" },
      { ...shared, host: "*", operation: "DESCRIBE_CONFIGS" },
    ]);
  });
});

describe("readBindings", () => {
  test("reads what Kafka 3.9.1 prints", () => {
    const text =
      "Current ACLs for resource `ResourcePattern(resourceType=GROUP, name=a'b\"c\\d`)`:, patternType=PREFIXED)`: \n" +
      " \t(principal=User:CN=x, OU=y, host=10.0.0.9, operation=READ, permissionType=DENY) \n\n" +
      "Current ACLs for resource `ResourcePattern(resourceType=CLUSTER, name=kafka-cluster, patternType=LITERAL)`: \n" +
      " \t(principal=User:bob, host=*, operation=DESCRIBE_CONFIGS, permissionType=ALLOW)\n" +
      "\t(principal=User:bob, host=10.0.0.1, operation=CREATE, permissionType=ALLOW) \n\n";
    const cluster = { resource: "CLUSTER", name: "kafka-cluster", pattern: "LITERAL" };
    const bob = { principal: "User:bob", permission: "ALLOW" };
    expect(readBindings(text)).toEqual([
      {
        ...{ resource: "GROUP", name: "a'b\"c\\d`)`:", pattern: "PREFIXED", host: "10.0.0.9" },
        ...{ principal: "User:CN=x, OU=y", operation: "READ", permission: "DENY" },
      },
      { ...cluster, ...bob, host: "*", operation: "DESCRIBE_CONFIGS" },
      { ...cluster, ...bob, host: "10.0.0.1", operation: "CREATE" },
    ]);
    expect(readBindings("\n")).toEqual([]);
  });

  test("finds every binding again", () => {
    fc.assert(
      fc.property(bindings, (all) => {
        expect(idsOf(readBindings(listed(all)))).toEqual(idsOf(all));
      }),
    );
  });

  test.each([
    "ACLs for principal `User:alice`",
    "\t(principal=User:alice, host=*, operation=READ, permissionType=ALLOW)",
    "Current ACLs for resource `Topic:orders`: ",
    "Current ACLs for resource `ResourcePattern(resourceType=TOPIC, name=a, patternType=LITERAL)`: \n\tAlice may read",
  ])("throws on %j", (text) => {
    expect(() => readBindings(text)).toThrow(
      /^kafka-acls\.sh: its output must hold .*; got "[^]+"$/,
    );
  });
});

describe("batchesOf", () => {
  test("has exactly the given bindings, each once", () => {
    fc.assert(
      fc.property(bindings, (all) => {
        const inBatches = batchesOf(all).flatMap(bindingsIn).map(bindingId);
        expect([...inBatches].sort()).toEqual(idsOf(all));
      }),
    );
  });

  test("makes one batch of all combinations, and one more for what is beside them", () => {
    const of = (names: string[], operations: string[]) =>
      ["alice", "bob"].flatMap((user) =>
        names.flatMap((name) =>
          operations.map((operation) => ({ ...READ, principal: `User:${user}`, name, operation })),
        ),
      );
    const batches = batchesOf([
      ...of(["orders", "clicks"], ["READ", "DESCRIBE"]),
      { ...READ, resource: "CLUSTER", name: "kafka-cluster", operation: "IDEMPOTENT_WRITE" },
    ]);
    expect(batches.map(describeBatch).sort()).toEqual([
      "allow User:alice IDEMPOTENT_WRITE on the cluster from *",
      "allow User:alice, User:bob DESCRIBE, READ on topic clicks, topic orders from *",
    ]);
    expect(batches.map((batch) => batchArgs("add", batch).join(" "))).toEqual([
      "--add --force --resource-pattern-type=literal --allow-principal=User:alice " +
        "--allow-principal=User:bob --allow-host=* --operation=Describe --operation=Read " +
        "--topic=clicks --topic=orders",
      "--add --force --resource-pattern-type=literal --allow-principal=User:alice --allow-host=* " +
        "--operation=IdempotentWrite --cluster",
    ]);
  });

  test("fits into a command line", () => {
    const names = Array.from({ length: 450 }, (_, index) => `${index}`.padStart(249, "x"));
    const batches = batchesOf(names.map((name) => ({ ...READ, name })));
    expect(batches.map(({ resources }) => resources.length)).toEqual([200, 200, 50]);
    for (const batch of batches) {
      expect(batchArgs("remove", batch).join("' '").length).toBeLessThan(2 ** 17);
    }
    expect(batches.flatMap(bindingsIn)).toHaveLength(450);
    const [first] = batches.map(describeBatch);
    expect(first).toMatch(/ and 195 more from \*$/);
  });
});

describe("readEntities", () => {
  test("reads what Kafka 3.9.1 prints", () => {
    const text =
      "Quota configs for the default user-principal are request_percentage=12.5\n" +
      "Quota configs for user-principal 'alice' are consumer_byte_rate=1.0E7, producer_byte_rate=9.007199254740991E15\n" +
      "Quota configs for user-principal '<default>' are producer_byte_rate=7.0\n" +
      "Quota configs for client-id '-c:1'x are y' are request_percentage=1.0E-7\n" +
      "Quota configs for user-principal 'alice', the default client-id are producer_byte_rate=5.0\n" +
      "SCRAM credential configs for user-principal 'it's' are SCRAM-SHA-256=iterations=4096, SCRAM-SHA-512=iterations=8192\n";
    expect(readEntities(text)).toEqual({
      limits: [
        { user: null, key: "request_percentage", value: 12.5 },
        { user: "alice", key: "consumer_byte_rate", value: 1e7 },
        { user: "alice", key: "producer_byte_rate", value: Number.MAX_SAFE_INTEGER },
        { user: "<default>", key: "producer_byte_rate", value: 7 },
        { client: "-c:1'x are y", key: "request_percentage", value: 1e-7 },
        { user: "alice", client: null, key: "producer_byte_rate", value: 5 },
      ],
      credentials: [
        { user: "it's", mechanism: "SCRAM-SHA-256" },
        { user: "it's", mechanism: "SCRAM-SHA-512" },
      ],
    });
    expect(readEntities("")).toEqual({ limits: [], credentials: [] });
  });

  test("finds every limit and user again", () => {
    fc.assert(
      fc.property(limits, fc.uniqueArray(word), (all, users) => {
        const found = readEntities(describedLimits(all) + describedUsers(users));
        expect(found.limits).toEqual(all);
        expect(found.credentials.map(({ user }) => user)).toEqual(users);
      }),
    );
  });

  test.each([
    "Dynamic configs for user-principal 'alice' are:",
    "Quota configs for ip '10.0.0.1' are connection_creation_rate=1.0",
    "Quota configs for user-principal 'alice' are producer_byte_rate=many",
    "Quota configs for user-principal 'a', client-id 'b', client-id 'c' are producer_byte_rate=1.0",
    "SCRAM credential configs for user-principal 'alice' are PLAIN=1",
    "Error retrieving SCRAM credential configs for user-principal 'alice': TimeoutException: x",
  ])("throws on %j", (text) => {
    expect(() => readEntities(text)).toThrow(
      /^kafka-configs\.sh: its output must hold .*; got "[^]+"$/,
    );
  });
});

test("limitsOf has one limit for each field, and null for all others", () => {
  expect(
    limitsOf([
      { user: "alice", produce: 1, fetch: 2, request: 3 },
      { user: "<default>", client: "<default>", fetch: 4 },
    ]),
  ).toEqual([
    { user: "alice", key: "producer_byte_rate", value: 1 },
    { user: "alice", key: "consumer_byte_rate", value: 2 },
    { user: "alice", key: "request_percentage", value: 3 },
    { user: null, client: null, key: "consumer_byte_rate", value: 4 },
  ]);
});

describe("the note", () => {
  test("is read as it was written, and equal notes have equal texts", () => {
    fc.assert(
      fc.property(access, (all) => {
        const text = noteText(unionOf([all]));
        fc.pre(text !== "");
        expect(text).not.toMatch(/\n|password|value/);
        expect(noteText(readNote("host1", text))).toBe(text);
        const reversed = {
          credentials: [...all.credentials].reverse(),
          bindings: [...all.bindings].reverse(),
          limits: [...all.limits].reverse(),
        };
        expect(noteText(unionOf([reversed]))).toBe(text);
      }),
    );
  });

  test.each(["", "{", "null", "{}", '{"version":2,"credentials":[],"bindings":[],"limits":[]}'])(
    "that is %j says how to repair it",
    (text) => {
      expect(() => readNote("host2", text)).toThrow(
        "host2: /data/kafkalab-access: it must be the operator's note of users, ACLs and quotas, " +
          `version 1; got "${text}". Delete it with: sudo rm /data/kafkalab-access. The notes of the ` +
          "other brokers count, too. What only this note named stays in the cluster until you remove " +
          "it with Kafka's tools.",
      );
    },
  );
});

/** Performs a step on what is there. */
function perform(there: ValuedAccess, step: AccessStep): ValuedAccess {
  switch (step.kind) {
    case "create-user":
    case "set-password": {
      const made = { user: step.user, mechanism: "SCRAM-SHA-512" };
      const others = there.credentials.filter((each) => credentialId(each) !== credentialId(made));
      return { ...there, credentials: [...others, made] };
    }
    case "remove-user": {
      const gone = credentialId(step.credential);
      return {
        ...there,
        credentials: there.credentials.filter((each) => credentialId(each) !== gone),
      };
    }
    case "add-acls":
      return { ...there, bindings: [...there.bindings, ...bindingsIn(step.batch)] };
    case "remove-acls": {
      const gone = new Set(idsOf(bindingsIn(step.batch)));
      return { ...there, bindings: there.bindings.filter((each) => !gone.has(bindingId(each))) };
    }
    case "set-quota": {
      const changed = [...step.set.map(({ key }) => key), ...step.remove];
      const others = there.limits.filter(
        (each) => entityId(each) !== entityId(step.entity) || !changed.includes(each.key),
      );
      return { ...there, limits: [...others, ...step.set] };
    }
  }
}

const stepsOf = ({ rounds }: AccessPlan) => rounds.flat();

/** Everything in a comparable form. */
const flat = ({ credentials, bindings, limits }: ValuedAccess) => ({
  credentials: credentials.map(credentialId).sort(),
  bindings: idsOf(bindings),
  limits: limits.map((each) => `${limitId(each)}=${each.value}`).sort(),
});

describe("planOf", () => {
  // The lab makes credentials of one mechanism only.
  const wish = access.map((all) => ({
    ...all,
    credentials: all.credentials.filter(({ mechanism }) => mechanism === "SCRAM-SHA-512"),
  }));
  const facts = fc.record({ wished: wish, there: access, noted: access });

  /** What must be there in the end: what is wanted, and what is somebody else's. */
  function aim(wished: ValuedAccess, there: ValuedAccess, noted: Access): ValuedAccess {
    const lacks = <T>(all: readonly T[], idOf: (item: T) => string) => {
      const ids = new Set(all.map(idOf));
      return (item: T) => !ids.has(idOf(item));
    };
    return {
      credentials: [
        ...wished.credentials,
        ...there.credentials
          .filter(lacks(wished.credentials, credentialId))
          .filter(lacks(noted.credentials, credentialId)),
      ],
      bindings: [
        ...wished.bindings,
        ...there.bindings
          .filter(lacks(wished.bindings, bindingId))
          .filter(lacks(noted.bindings, bindingId)),
      ],
      limits: [
        ...wished.limits,
        ...there.limits
          .filter(lacks(wished.limits, limitId))
          .filter((each) => lacks(noted.limits.map(limitId), (id) => id)(limitId(each))),
      ],
    };
  }

  test("reaches what is wanted, leaves what is somebody else's, and then has nothing to do", () => {
    fc.assert(
      fc.property(facts, ({ wished, there, noted }) => {
        const plan = planOf({ wished, there, noted, locked: new Set() });
        const after = stepsOf(plan).reduce(perform, there);
        expect(flat(after)).toEqual(flat(aim(wished, there, noted)));
        const again = planOf({ wished, there: after, noted: plan.after, locked: new Set() });
        expect(stepsOf(again)).toEqual([]);
        expect(again.remarks).toEqual(plan.remarks);
      }),
    );
  });

  test("goes on after any of its steps, even if the wish has changed meanwhile", () => {
    fc.assert(
      fc.property(facts, wish, fc.nat(), ({ wished, there, noted }, next, nat) => {
        const plan = planOf({ wished, there, noted, locked: new Set() });
        const steps = stepsOf(plan);
        const half = steps.slice(0, nat % (steps.length + 1)).reduce(perform, there);
        const second = planOf({ wished: next, there: half, noted: plan.before, locked: new Set() });
        const after = stepsOf(second).reduce(perform, half);
        // What the first wish named is the lab's.
        const both = unionOf([noted, wished]);
        expect(flat(after)).toEqual(flat(aim(next, there, both)));
      }),
    );
  });

  test("changes the password and the quota of a user one after the other", () => {
    fc.assert(
      fc.property(facts, ({ wished, there, noted }) => {
        const existing = there.credentials.map(credentialId);
        const locked = wished.credentials.filter((each) => existing.includes(credentialId(each)));
        const { rounds } = planOf({
          ...{ wished, there, noted },
          locked: new Set(locked.map(({ user }) => user)),
        });
        for (const steps of rounds) {
          const users = steps.flatMap((step) => {
            if (step.kind === "create-user" || step.kind === "set-password") {
              return [step.user];
            }
            const isOfUser = step.kind === "set-quota" && step.entity.client === undefined;
            return isOfUser ? [step.entity.user] : [];
          });
          expect(new Set(users).size).toBe(users.length);
        }
      }),
    );
  });

  test("sets only the passwords with which users cannot log in", () => {
    const both = ["alice", "Alice"].map((user) => ({ user, mechanism: "SCRAM-SHA-512" }));
    const all = { credentials: both, bindings: [], limits: [] };
    const plan = planOf({ wished: all, there: all, noted: all, locked: new Set(["Alice"]) });
    expect(stepsOf(plan).map(describeStep)).toEqual(["set the password of user Alice"]);
  });

  test("tells each step and each thing of somebody else in one line", () => {
    const nothing = { credentials: [], bindings: [], limits: [] };
    const [alice, bob, carol] = ["alice", "bob", "carol"].map((user) => ({
      credentials: [{ user, mechanism: "SCRAM-SHA-512" }],
      bindings: [{ ...READ, principal: `User:${user}`, pattern: "PREFIXED" }],
      limits: [
        { user, key: "producer_byte_rate", value: 1 },
        { client: null, key: `${user}_rate`, value: 2 },
      ],
    }));
    const there = [bob ?? nothing, carol ?? nothing];
    const plan = planOf({
      wished: alice ?? nothing,
      there: {
        ...unionOf(there),
        limits: there.flatMap((each) => each.limits),
      },
      noted: bob ?? nothing,
      locked: new Set(),
    });
    expect(plan.rounds.map((steps) => steps.map(describeStep))).toEqual([
      ["create user alice"],
      [
        "add ACL: allow User:alice READ on topic prefix orders from *",
        "set the quota of user alice: producer_byte_rate=1",
        "set the quota of all other clients: alice_rate=2 without bob_rate",
        "set the quota of user bob: without producer_byte_rate",
      ],
      [
        "remove ACL: allow User:bob READ on topic prefix orders from *",
        "remove user bob (SCRAM-SHA-512)",
      ],
    ]);
    expect(plan.remarks).toEqual([
      "user carol (SCRAM-SHA-512) is not in the settings; it is left as it is",
      'ACL "allow User:carol READ on topic prefix orders from *" is not in the settings; it is left as it is',
      "quota producer_byte_rate of user carol is not in the settings; it is left as it is",
      "quota carol_rate of all other clients is not in the settings; it is left as it is",
    ]);
  });
});
