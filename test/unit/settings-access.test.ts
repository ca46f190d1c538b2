import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readSettings } from "../../components/settings";
import { PASSWORD, PASSWORD_FAULTS } from "./support/access-faults";

function read(settings: Record<string, unknown>) {
  return readSettings(
    Object.fromEntries(
      Object.entries(settings).map(([key, value]) => [
        `kafkalab:${key}`,
        typeof value === "string" ? value : JSON.stringify(value),
      ]),
    ),
    {
      kafka: { "3.9.1": [{ file: "kafka.tgz", sha512: "0", origin: "apache" }] },
      zookeeper: { "3.8.4": [{ file: "zookeeper.tar.gz", sha512: "0", origin: "apache" }] },
    },
  );
}

test("a lab has no users by itself", () => {
  expect(read({})).toMatchObject({
    settings: { users: [], userPasswords: {}, acls: [], quotas: [] },
    faults: [],
  });
});

test("users with and without passwords", () => {
  const users = ["alice", "Alice", "-x", "a.b_c-9", "a".repeat(64)];
  const userPasswords = {
    alice: 'it\'s \\ 12 + "more"',
    Alice: "123456789012",
    "-x": 345678901234,
  };
  expect(read({ users, userPasswords })).toMatchObject({
    settings: { users, userPasswords: { ...userPasswords, "-x": "345678901234" } },
    faults: [],
  });
});

describe("passwords", () => {
  test.each(PASSWORD_FAULTS)("no message shows %s", (_, settings) => {
    const { faults } = read(settings);
    expect(faults).toHaveLength(1);
    expect(faults.join()).not.toContain("hunter2");
    expect(faults.join()).not.toContain("short-11");
  });

  test("no message shows a part of the setting, whatever it is", () => {
    const word = fc.string({ minLength: 3 }).map((text) => `SECRET${text}SECRET`);
    const value = fc.oneof(
      word,
      fc.array(word),
      fc.dictionary(fc.oneof(word, fc.constant("alice")), fc.oneof(word, fc.array(word))),
    );
    fc.assert(
      fc.property(value, (userPasswords) => {
        expect(read({ users: ["alice"], userPasswords }).faults.join()).not.toContain("SECRET");
      }),
    );
  });

  test("of 12 and of 128 characters are taken", () => {
    for (const password of ["a b c d e f!", PASSWORD, "~".repeat(128)]) {
      expect(read({ users: ["bob"], userPasswords: { bob: password } }).faults).toEqual([]);
    }
  });
});

describe("ACLs", () => {
  test("have defaults, and names of resources as Kafka has them", () => {
    const acls = [
      { user: "alice", resource: "topic", prefix: "orders-", operations: ["read", "write"] },
      { user: "*", resource: "group", name: "*", operations: ["all"], permission: "deny" },
      {
        ...{ user: "alice", resource: "cluster", operations: ["idempotent-write"] },
        hosts: ["10.20.96.10", "*"],
      },
      { user: "alice", resource: "transactional-id", name: "tx:1@a", operations: ["write"] },
    ];
    const { settings, faults } = read({ security: "tls", users: ["alice"], acls });
    expect(faults).toEqual([]);
    const plain = { user: "alice", hosts: ["*"], permission: "allow", pattern: "literal" };
    expect(settings.acls).toEqual([
      {
        ...{ ...plain, resource: "topic", pattern: "prefixed", name: "orders-" },
        operations: ["read", "write"],
      },
      {
        ...{ ...plain, user: "*", resource: "group", name: "*", operations: ["all"] },
        permission: "deny",
      },
      {
        ...{ ...plain, resource: "cluster", name: "kafka-cluster", hosts: ["10.20.96.10", "*"] },
        operations: ["idempotent-write"],
      },
      { ...plain, resource: "transactional-id", name: "tx:1@a", operations: ["write"] },
    ]);
  });

  test("with several faults tell all of them", () => {
    const acls = [{ user: "carol", resource: "topic", colour: "red", hosts: ["x"] }];
    expect(read({ security: "tls", users: ["alice"], acls }).faults).toHaveLength(5);
  });

  test.each([
    ["plaintext", true],
    ['{"from":"plaintext","to":"tls"}', false],
    ['{"from":"tls","to":"plaintext"}', false],
    ["tls", false],
    ["sasl", false],
  ])("with security %s: %s that they need security", (security, isBad) => {
    const acls = [{ user: "*", resource: "group", name: "*", operations: ["read"] }];
    expect(read({ security, acls: [] }).faults).toEqual([]);
    const { faults } = read({ security, acls });
    expect(faults).toHaveLength(isBad ? 1 : 0);
    expect(faults.join()).toContain(
      isBad ? '"kafkalab:acls": it must be empty while kafkalab:security is plaintext' : "",
    );
  });
});

test("quotas differ in the user, the client, or in having one", () => {
  const quotas = [
    { user: "alice", produce: 1, fetch: Number.MAX_SAFE_INTEGER },
    { user: "<default>", request: 0.5 },
    { user: "ANONYMOUS", request: 200 },
    { client: "alice", produce: 1 },
    { client: "<default>", produce: 1 },
    { user: "alice", client: "alice", produce: 1 },
    { user: "alice", client: "<default>", produce: 1 },
    { user: "<default>", client: "alice", produce: 1 },
    { user: "<default>", client: "<default>", produce: 1 },
  ];
  expect(read({ users: ["alice"], quotas })).toMatchObject({ settings: { quotas }, faults: [] });
});
