import fc from "fast-check";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { RemoteError } from "../../../operator/host";
import type { Binding } from "../../../operator/kafka/access/bindings";
import { checkAccess, planAccess, settleAccess } from "../../../operator/kafka/access/settle";
import { type ClusterLook, KafkaCluster } from "../../../operator/kafka/cluster";
import type { NodeState } from "../../../operator/service/node";
import { type AccessWish, wish as wishSchema } from "../../../operator/wish";
import { FakeKafka } from "./kafka-access";
import { files, kafkaWish } from "./support";

const said: string[] = [];
vi.mock("../../../operator/progress", () => ({ report: (line: string) => said.push(line) }));

beforeEach(() => {
  said.length = 0;
});

const BROKERS = 3;
const FILE = "/data/kafkalab-access";
const AUTHORIZER = "authorizer.class.name=kafka.security.authorizer.AclAuthorizer";
const SASL = { saslServers: ["b1:9096", "b2:9096"] };
const NOTHING: AccessWish = { users: [], acls: [], quotas: [] };
const PASSWORD = 'it\'s \\n #1 = "secret"';

/** An ACL of the wish. */
const may = (user: string, name: string, more: Partial<AccessWish["acls"][number]> = {}) => ({
  ...({ user, resource: "topic", pattern: "literal", name, operations: ["read"] } as const),
  ...{ operations: ["read" as const], hosts: ["*"], permission: "allow" as const },
  ...more,
});

/** A binding of somebody else. */
const FOREIGN: Binding = {
  ...{ principal: "User:Alice", host: "*", operation: "READ", permission: "ALLOW" },
  ...{ resource: "TOPIC", pattern: "LITERAL", name: "orders" },
};

const WISH: AccessWish = {
  ...SASL,
  users: [{ name: "alice", password: PASSWORD }, { name: "bob" }],
  acls: [may("alice", "orders", { operations: ["read", "describe"] }), may("bob", "orders")],
  quotas: [
    { user: "alice", produce: 1024, fetch: 2048 },
    { client: "<default>", request: 50 },
  ],
};

/** What the operator knows of a cluster: its brokers run with the wanted files. */
function scene(kafka: FakeKafka, access: AccessWish | undefined, config = AUTHORIZER) {
  const wanted = { ...files(), config };
  const wish = kafkaWish(BROKERS, wanted, access === undefined ? {} : { access });
  const names = wish.brokers.map(({ host }) => host.name);
  const cluster = new KafkaCluster(wish, new Map(names.map((name) => [name, kafka.host(name)])));
  const states = wish.brokers.map(({ id, host }): [number, NodeState] => {
    const note = kafka.notes.get(host.name);
    const further = new Map(note === undefined ? [] : [[FILE, note]]);
    const state = {
      active: true,
      restarts: 0,
      restarting: false,
      written: "",
      running: "",
      secrets: [],
    };
    return [id, { ...state, files: wanted, further }];
  });
  const metadata = { brokers: [1, 2, 3], controller: 1, partitions: [] };
  const look: ClusterLook = { brokers: [], states: new Map(states), metadata };
  return { cluster, look };
}

function settle(kafka: FakeKafka, access: AccessWish | undefined, config?: string) {
  const { cluster, look } = scene(kafka, access, config);
  return settleAccess(cluster, look);
}

const tools = ({ calls }: FakeKafka) =>
  calls.filter((call) => call.endsWith(".sh") || /\.sh -/.test(call));

/** The state that a wish should lead to, without what is somebody else's. */
const stateOf = ({ passwords, bindings, limits }: FakeKafka) => ({
  passwords: Object.fromEntries([...passwords].sort()),
  bindings: [...bindings.keys()].sort(),
  limits: [...limits].map(([id, { value }]) => [id, value]).sort(),
});

test.each([undefined, NOTHING])(
  "with nothing wanted and no note nothing starts: %j",
  async (access) => {
    const kafka = new FakeKafka();
    kafka.addBindings([FOREIGN]);
    await settle(kafka, access);
    const { cluster, look } = scene(kafka, access);
    expect(await planAccess(cluster, look)).toEqual([]);
    expect(kafka.calls).toEqual([]);
    expect(said).toEqual([]);
  },
);

test("makes users, ACLs and quotas, with the note first; then there is nothing to do", async () => {
  const kafka = new FakeKafka();
  await settle(kafka, WISH);
  expect(kafka.calls.slice(0, 3)).toEqual([
    "kafka-acls.sh --list",
    ...["users", "clients"].map((type) => `kafka-configs.sh --describe --entity-type=${type}`),
  ]);
  expect(kafka.calls.slice(3, 6).sort()).toEqual(
    [1, 2, 3].map((id) => `put-file.sh ${FILE} of host${id}`),
  );
  const acl = "kafka-acls.sh --add --force --resource-pattern-type=literal";
  expect(kafka.calls.slice(6).sort()).toEqual([
    `${acl} --allow-principal=User:alice --allow-host=* --operation=Describe --operation=Read --topic=orders`,
    `${acl} --allow-principal=User:bob --allow-host=* --operation=Read --topic=orders`,
    "kafka-configs.sh --alter --entity-type=clients --entity-default --add-config-file=/dev/stdin",
    "kafka-configs.sh --alter --entity-type=users --entity-name=alice --add-config-file=/dev/stdin",
    "kafka-configs.sh --alter --entity-type=users --entity-name=alice --add-config-file=/dev/stdin",
    "kcat alice -b b1:9096,b2:9096",
  ]);
  expect(kafka.passwords).toEqual(new Map([["alice", PASSWORD]]));
  expect([...kafka.limits.values()]).toEqual([
    { user: "alice", key: "producer_byte_rate", value: 1024 },
    { user: "alice", key: "consumer_byte_rate", value: 2048 },
    { client: null, key: "request_percentage", value: 50 },
  ]);
  expect(kafka.bindings.size).toBe(3);

  kafka.calls.length = 0;
  await settle(kafka, WISH);
  expect(kafka.calls).toEqual([
    "kafka-acls.sh --list",
    ...["users", "clients"].map((type) => `kafka-configs.sh --describe --entity-type=${type}`),
    "kcat alice -b b1:9096,b2:9096",
  ]);
});

test("at most four tools run at once", async () => {
  const kafka = new FakeKafka();
  const quotas = Array.from({ length: 9 }, (_, index) => ({ client: `c${index}`, fetch: 1 }));
  await settle(kafka, { ...NOTHING, quotas });
  expect(kafka.limits.size).toBe(9);
  expect(kafka.most).toBe(4);
});

test("no password is on a command line, in a note or in what is told", async () => {
  const kafka = new FakeKafka();
  await settle(kafka, WISH);
  for (const text of [...kafka.calls, ...kafka.notes.values(), ...said]) {
    expect(text).not.toContain("secret");
  }
});

test("what the lab made and nobody wants is removed; what somebody else made is left and told", async () => {
  const kafka = new FakeKafka();
  await settle(kafka, WISH);
  kafka.addBindings([FOREIGN, { ...FOREIGN, principal: "User:alice", operation: "WRITE" }]);
  kafka.addLimits([{ user: "alice", key: "controller_mutation_rate", value: 3 }]);
  kafka.passwords.set("Alice", "other");
  said.length = 0;
  await settle(kafka, { ...NOTHING, acls: [may("bob", "orders")] });
  expect(stateOf(kafka)).toMatchObject({
    passwords: { Alice: "other" },
    limits: [['{"user":"alice","key":"controller_mutation_rate"}', 3]],
  });
  expect(
    [...kafka.bindings.values()].map(({ principal, operation }) => principal + operation),
  ).toEqual(["User:bobREAD", "User:AliceREAD", "User:aliceWRITE"]);
  const left = "is not in the settings; it is left as it is";
  expect(said.filter((line) => line.includes(left))).toEqual([
    `host1: user Alice (SCRAM-SHA-512) ${left}`,
    `host1: ACL "allow User:Alice READ on topic orders from *" ${left}`,
    `host1: ACL "allow User:alice WRITE on topic orders from *" ${left}`,
    `host1: quota controller_mutation_rate of user alice ${left}`,
  ]);
});

test("once nothing is wanted any more, no note is left, and nothing starts again", async () => {
  const kafka = new FakeKafka();
  await settle(kafka, WISH);
  await settle(kafka, undefined);
  expect(stateOf(kafka)).toEqual({ passwords: {}, bindings: [], limits: [] });
  expect(kafka.notes).toEqual(new Map());
  kafka.calls.length = 0;
  await settle(kafka, undefined);
  expect(kafka.calls).toEqual([]);
});

test("a password that somebody has changed is set anew; others are not", async () => {
  const kafka = new FakeKafka();
  const users = ["alice", "Alice", "bob"].map((name) => ({
    name,
    password: `${name}-${PASSWORD}`,
  }));
  await settle(kafka, { ...NOTHING, ...SASL, users });
  kafka.passwords.set("Alice", "other");
  kafka.calls.length = 0;
  await settle(kafka, { ...NOTHING, ...SASL, users });
  expect(kafka.passwords.get("Alice")).toBe(`Alice-${PASSWORD}`);
  expect(tools(kafka)).toEqual([
    "kafka-configs.sh --describe --entity-type=users",
    "kafka-configs.sh --alter --entity-type=users --entity-name=Alice --add-config-file=/dev/stdin",
  ]);
});

test("a login that no broker answers is an error, not another password", async () => {
  const kafka = new FakeKafka();
  await settle(kafka, WISH);
  kafka.calls.length = 0;
  kafka.before = (call) => {
    if (call.startsWith("kcat")) {
      throw new RemoteError("host1", "", "Connect to b1:9096 failed: Connection refused\n", 1);
    }
  };
  await expect(settle(kafka, WISH)).rejects.toThrow(
    'user "alice": b1:9096,b2:9096 must answer its login; got "host1: Connect to b1:9096 failed: ' +
      'Connection refused"; logs: journalctl -u kafka-server on each broker',
  );
  expect(kafka.calls.filter((call) => call.includes("--alter"))).toEqual([]);
});

test("the note of any broker counts", async () => {
  const kafka = new FakeKafka();
  await settle(kafka, WISH);
  kafka.notes.delete("host1");
  kafka.notes.delete("host2");
  await settle(kafka, { ...NOTHING, acls: [may("bob", "orders")] });
  expect(kafka.bindings.size).toBe(1);
  expect(new Set(kafka.notes.values()).size).toBe(1);
  expect([...kafka.notes.keys()].sort()).toEqual(["host1", "host2", "host3"]);
});

test("a damaged note stops the operator before it changes anything", async () => {
  const kafka = new FakeKafka();
  kafka.notes.set("host2", "{");
  const { cluster, look } = scene(kafka, WISH);
  const fault = /^host2: \/data\/kafkalab-access: .* Delete it with: sudo rm/;
  expect(() => checkAccess(cluster, look)).toThrow(fault);
  await expect(settle(kafka, WISH)).rejects.toThrow(fault);
  expect(kafka.calls).toEqual([]);
});

describe("brokers without an authorizer", () => {
  test("cannot have ACLs", () => {
    const { cluster, look } = scene(new FakeKafka(), WISH, "num.io.threads=1");
    expect(() => checkAccess(cluster, look)).toThrow(
      'setting "kafkalab:acls": it must be empty while brokers have no authorizer.class.name; got 2 ' +
        "ACLs. Set kafkalab:security, or remove the ACLs.",
    );
  });

  test("keep the lab's, which are removed once there is one again", async () => {
    const kafka = new FakeKafka();
    await settle(kafka, WISH);
    kafka.calls.length = 0;
    said.length = 0;
    await settle(kafka, undefined, "num.io.threads=1");
    expect(kafka.calls.filter((call) => call.includes("kafka-acls.sh"))).toEqual([]);
    expect(stateOf(kafka)).toMatchObject({ passwords: {}, limits: [] });
    expect(kafka.bindings.size).toBe(3);
    expect(said).toContain(
      "host1: 3 ACLs of the lab stay in ZooKeeper, since brokers without an authorizer remove none; " +
        "they have no effect",
    );
    await settle(kafka, undefined);
    expect(kafka.bindings.size).toBe(0);
    expect(kafka.notes.size).toBe(0);
  });
});

test("a step that Kafka rejects is told with Kafka's reason; the others are done, and nothing is removed", async () => {
  const kafka = new FakeKafka();
  await settle(kafka, { ...NOTHING, acls: [may("carol", "old")] });
  kafka.before = (call) => {
    if (call.includes("--entity-name=alice") && !call.includes("--describe")) {
      throw new RemoteError(
        "host1",
        "",
        "java.util.concurrent.ExecutionException: org.apache.kafka.X: no room\n\tat a.b\n",
        1,
      );
    }
  };
  await expect(settle(kafka, { ...WISH, users: [] })).rejects.toThrow(
    "not able to set the quota of user alice: producer_byte_rate=1024, consumer_byte_rate=2048: " +
      "kafka-configs.sh has failed with no room. Correct the settings, or see journalctl -u kafka-server " +
      "on each broker; then run up again",
  );
  expect(kafka.bindings.size).toBe(4);
  expect(kafka.limits.size).toBe(1);
  kafka.before = () => undefined;
  await settle(kafka, { ...WISH, users: [] });
  expect(kafka.bindings.size).toBe(3);
});

describe("planAccess", () => {
  test("tells the steps, and changes nothing", async () => {
    const kafka = new FakeKafka();
    await settle(kafka, { ...NOTHING, acls: [may("carol", "old")] });
    const before = [stateOf(kafka), new Map(kafka.notes)];
    const { cluster, look } = scene(kafka, WISH);
    expect(await planAccess(cluster, look)).toEqual([
      "create user alice",
      "add ACL: allow User:alice DESCRIBE, READ on topic orders from *",
      "add ACL: allow User:bob READ on topic orders from *",
      "set the quota of user alice: producer_byte_rate=1024, consumer_byte_rate=2048",
      "set the quota of all other clients: request_percentage=50",
      "remove ACL: allow User:carol READ on topic old from *",
    ]);
    expect([stateOf(kafka), kafka.notes]).toEqual(before);
  });

  test.each([
    ["no broker answers", (look: ClusterLook) => ({ ...look, metadata: undefined }), ""],
    ["brokers still run without what the tool needs", (look: ClusterLook) => look, "no authorizer"],
  ])("if %s, says that the operator will look", async (_, of, reason) => {
    const kafka = new FakeKafka();
    kafka.before = () => {
      throw new RemoteError("host1", "", reason, 1);
    };
    const { cluster, look } = scene(kafka, WISH);
    expect(await planAccess(cluster, of(look))).toEqual([
      "compare users, ACLs and quotas with the settings as soon as the brokers run",
    ]);
    expect(kafka.calls.length > 0).toBe(reason !== "");
  });
});

test("a run that is killed anywhere is finished by the next one, even with another wish", async () => {
  const name = fc.constantFrom("alice", "Alice", "bob");
  const password = fc.constantFrom("one password 1", "two \\ passwords");
  const access: fc.Arbitrary<AccessWish> = fc.record({
    users: fc.uniqueArray(fc.record({ name, password }), { selector: (each) => each.name }),
    acls: fc.array(
      fc.tuple(name, fc.constantFrom("t", "T")).map((pair) => may(...pair)),
      {
        maxLength: 4,
      },
    ),
    quotas: fc.uniqueArray(fc.record({ user: name, produce: fc.constantFrom(1, 2) }), {
      selector: ({ user }) => user,
    }),
    saslServers: fc.constant(["b1:9096"]),
  });
  const killed = new Error("killed");
  await fc.assert(
    fc.asyncProperty(access, access, access, fc.nat(25), async (first, second, last, nat) => {
      const [kafka, fresh] = [new FakeKafka(), new FakeKafka()];
      for (const each of [kafka, fresh]) {
        each.addBindings([{ ...FOREIGN, name: "foreign" }]);
        each.passwords.set("foreign", "x");
      }
      await settle(kafka, first);
      let left = nat;
      kafka.before = () => {
        if (left-- <= 0) {
          throw killed;
        }
      };
      await settle(kafka, second).catch((error: Error) => {
        expect(error.message).toContain(killed.message);
      });
      kafka.before = () => undefined;
      await settle(kafka, last);
      await settle(fresh, last);
      expect(stateOf(kafka)).toEqual(stateOf(fresh));
      expect(kafka.notes).toEqual(fresh.notes);
    }),
    { numRuns: 60 },
  );
});

test("a wish with passwords must say where users log in", () => {
  const wanted = (access: unknown) => ({ ...kafkaWish(1, files()), access });
  expect(wishSchema.safeParse(wanted(WISH)).success).toBe(true);
  expect(wishSchema.safeParse(wanted(undefined)).success).toBe(true);
  expect(wishSchema.safeParse(wanted({ ...NOTHING, users: [{ name: "a" }] })).success).toBe(true);
  for (const fault of [
    { ...WISH, saslServers: [] },
    { ...WISH, saslServers: [] },
    { ...WISH, users: [{ name: "alice", password: "secret\nline" }] },
  ]) {
    const { error } = wishSchema.safeParse(wanted(fault));
    expect(error?.issues).toHaveLength(1);
    expect(error?.message).not.toContain("secret");
  }
});
