import type { QuotaWish } from "../../operator/wish";
import { type Breach } from "./breach";
import { type Context, type Judge, records } from "./define";
import { badId } from "./resource-names";
import { breach } from "./rules";
import { users } from "./users";

/** The word for all users, or client ids, without a quota of their own. */
const DEFAULT = "<default>";

/** The user of clients that do not log in. */
const ANONYMOUS = "ANONYMOUS";

const ENTITY = ["user", "client"] as const;
const LIMITS = ["produce", "fetch", "request"] as const;
const FIELDS: readonly string[] = [...ENTITY, ...LIMITS];

export const quotas = records({
  name: "quotas",
  rule: {
    text:
      `hold objects with user (a name of kafkalab:users, ${ANONYMOUS} or ${DEFAULT}), client (a client id or ` +
      `${DEFAULT}) or both, and with produce, fetch (bytes per second), request (percent) or more of them, ` +
      "above 0; two objects must differ in user or client",
    together: () => undefined,
  },
  text:
    "How much each broker gives to clients. produce and fetch are bytes per second, request is the " +
    `percentage of the time of one thread. ${DEFAULT} stands for all without a quota of their own. ` +
    "A broker delays clients that use more.",
  change:
    "A change restarts nothing. Pulumi sets new quotas, and removes the quotas that you leave out. It " +
    "does not change quotas that somebody else has set.",
  example: [
    { user: "alice", produce: 1048576, fetch: 2097152 },
    { user: "alice", client: "reports", fetch: 524288 },
    { client: DEFAULT, request: 50 },
  ],
  items: (entries, judge, context) => {
    const taken: string[] = [];
    return entries.map((fields, index) => {
      const at = `quotas[${index}]`;
      const quota = readQuota(fields, at, judge, context);
      const entity = JSON.stringify(ENTITY.map((field) => quota[field]));
      const remedy = "Write all limits into one of the two";
      const rule = "differ from every other quota in user or client";
      judge(breach(taken.includes(entity), rule, remedy), fields, at);
      taken.push(entity);
      return quota;
    });
  },
});

function readQuota(
  fields: Record<string, unknown>,
  at: string,
  judge: Judge,
  context: Context,
): QuotaWish {
  for (const field of Object.keys(fields).filter((key) => !FIELDS.includes(key))) {
    judge({ rule: `hold ${FIELDS.join(", ")} only`, remedy: "Leave it out" }, field, at);
  }
  const lacks = (names: readonly string[]) => names.every((name) => fields[name] === undefined);
  const give = "Give one of them";
  judge(breach(lacks(ENTITY), `have ${ENTITY.join(" or ")} or both`, give), fields, at);
  judge(breach(lacks(LIMITS), `have one or more of ${LIMITS.join(", ")}`, give), fields, at);
  const { user, client, produce, fetch, request } = fields;
  const isSound = {
    user: judge(badUser(user, context.get(users)), user, `${at}.user`),
    client: judge(badClient(client), client, `${at}.client`),
    produce: judge(badBytes(produce), produce, `${at}.produce`),
    fetch: judge(badBytes(fetch), fetch, `${at}.fetch`),
    request: judge(badPercent(request), request, `${at}.request`),
  };
  const sound = FIELDS.filter(
    (field) => fields[field] !== undefined && isSound[field as keyof QuotaWish],
  );
  return Object.fromEntries(sound.map((field) => [field, fields[field]]));
}

function badUser(value: unknown, known: string[]): Breach | undefined {
  const names = [...known, ANONYMOUS, DEFAULT, undefined];
  return breach(
    !names.some((name) => name === value),
    `be a name of kafkalab:users, ${ANONYMOUS}, or ${DEFAULT} for all others`,
    "Correct it, or add it to kafkalab:users",
  );
}

function badClient(value: unknown): Breach | undefined {
  return value === undefined || value === DEFAULT ? undefined : badId(value);
}

function badBytes(value: unknown): Breach | undefined {
  return breach(
    value !== undefined && !(Number.isSafeInteger(value) && Number(value) > 0),
    `be a whole number from 1 to ${Number.MAX_SAFE_INTEGER} (bytes per second)`,
    "Take 1048576, which is 1 MiB per second, or leave it out",
  );
}

function badPercent(value: unknown): Breach | undefined {
  return breach(
    value !== undefined && !(typeof value === "number" && value > 0),
    "be a number above 0 (percent of the time of one thread)",
    "Take 50, or leave it out",
  );
}
