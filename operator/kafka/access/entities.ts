/*
 * The credentials of users and the quotas, as `kafka-configs.sh` describes them.
 */
import { z } from "zod";
import type { AccessWish, QuotaWish } from "../../wish";

/** The mechanism of the credentials that the lab makes. */
export const MECHANISM = "SCRAM-SHA-512";

/** A credential by which a user logs in with a password. */
export const credential = z.strictObject({ user: z.string(), mechanism: z.string() });
export type Credential = z.infer<typeof credential>;

/** The name of a user or a client; null for all that have no quota of their own. */
const entityName = z.string().nullable();

/** One limit of a user, of a client, or of a client of a user. */
export const limitKey = z.strictObject({
  user: entityName.optional(),
  client: entityName.optional(),
  /** `producer_byte_rate` */
  key: z.string(),
});
export type LimitKey = z.infer<typeof limitKey>;

/** The entity of a limit. */
export type Entity = Omit<LimitKey, "key">;

/** A limit with its value. */
export interface Limit extends LimitKey {
  value: number;
}

/** Returns the text by which two credentials are the same one. */
export function credentialId({ user, mechanism }: Credential): string {
  return JSON.stringify([user, mechanism]);
}

/** Returns the text by which two entities are the same one. */
export function entityId({ user, client }: Entity): string {
  return JSON.stringify({ user, client });
}

/** Returns the text by which two limits limit the same. */
export function limitId({ user, client, key }: LimitKey): string {
  return JSON.stringify({ user, client, key });
}

/** Returns the credentials of the users with a password. */
export function credentialsOf({ users }: Pick<AccessWish, "users">): Credential[] {
  return users
    .filter(({ password }) => password !== undefined)
    .map(({ name }) => ({ user: name, mechanism: MECHANISM }));
}

/** The word of the wish for all users, or clients, that have no quota of their own. */
const DEFAULT = "<default>";

/** Returns the limits of quotas of the wish. */
export function limitsOf(quotas: readonly QuotaWish[]): Limit[] {
  return quotas.flatMap(({ user, client, produce, fetch, request }) => {
    const entity = {
      ...(user !== undefined && { user: nameOf(user) }),
      ...(client !== undefined && { client: nameOf(client) }),
    };
    const limits = [
      ["producer_byte_rate", produce],
      ["consumer_byte_rate", fetch],
      ["request_percentage", request],
    ] as const;
    return limits.flatMap(([key, value]) =>
      value === undefined ? [] : [{ ...entity, key, value }],
    );
  });
}

const nameOf = (name: string) => (name === DEFAULT ? null : name);

/** Returns the arguments by which `kafka-configs.sh` names an entity. */
export function entityArgs({ user, client }: Entity): string[] {
  const of = (type: string, name: string | null | undefined) =>
    name === undefined
      ? []
      : [`--entity-type=${type}`, name === null ? "--entity-default" : `--entity-name=${name}`];
  return [...of("users", user), ...of("clients", client)];
}

/** Describes an entity for people: `user alice, client reports`. */
export function describeEntity({ user, client }: Entity): string {
  const of = (type: string, name: string | null | undefined) =>
    name === undefined ? [] : [name === null ? `all other ${type}s` : `${type} ${name}`];
  return [...of("user", user), ...of("client", client)].join(", ");
}

/** The credentials and limits of some entities. */
export interface Entities {
  credentials: Credential[];
  limits: Limit[];
}

const SCRAM = /^SCRAM credential configs for user-principal '(.*)' are (.+)$/;
const SCRAM_ITEM = /^(SCRAM-SHA-\d+)=iterations=\d+$/;
const QUOTA = /^Quota configs for (.+) are ([^']+)$/;
const QUOTA_ITEM = /^([a-z_]+)=([\d.]+(?:E-?\d+)?)$/;
const USER = /^(?:user-principal '(.*)'|the default user-principal)$/;
const CLIENT = /^(?:client-id '(.*)'|the default client-id)$/;
const BOTH =
  /^(user-principal '.*'|the default user-principal), (client-id '.*'|the default client-id)$/;

/**
 * Reads what `kafka-configs.sh --describe` prints for users, for clients, or for clients of users.
 *
 * @throws Error that shows a line with another format.
 */
export function readEntities(text: string): Entities {
  const entities: Entities = { credentials: [], limits: [] };
  for (const line of text.split("\n").filter((each) => each !== "")) {
    const [, user, mechanisms] = SCRAM.exec(line) ?? [];
    if (user !== undefined && mechanisms !== undefined) {
      for (const item of mechanisms.split(", ")) {
        const mechanism = SCRAM_ITEM.exec(item)?.[1] ?? unreadable(line);
        entities.credentials.push({ user, mechanism });
      }
      continue;
    }
    const [, entityText, limits] = QUOTA.exec(line) ?? [];
    if (entityText === undefined || limits === undefined) {
      return unreadable(line);
    }
    const entity = readEntity(entityText) ?? unreadable(line);
    for (const item of limits.split(", ")) {
      const [, key, value] = QUOTA_ITEM.exec(item) ?? [];
      entities.limits.push({ ...entity, key: key ?? unreadable(line), value: Number(value) });
    }
  }
  return entities;
}

function readEntity(text: string): Entity | undefined {
  const [, user, client] = BOTH.exec(text) ?? [];
  if (user !== undefined && client !== undefined) {
    // A name may contain the text between the two names. Then the line has two meanings.
    const isClear =
      text.split(", client-id '").length + text.split(", the default client-id").length === 3;
    return isClear ? { user: readName(USER, user), client: readName(CLIENT, client) } : undefined;
  }
  if (USER.test(text)) {
    return { user: readName(USER, text) };
  }
  return CLIENT.test(text) ? { client: readName(CLIENT, text) } : undefined;
}

/** Reads a name that the pattern has accepted. */
const readName = (pattern: RegExp, text: string) => pattern.exec(text)?.[1] ?? null;

function unreadable(line: string): never {
  throw new Error(
    'kafka-configs.sh: its output must hold "Quota configs for ... are key=number" and "SCRAM credential ' +
      `configs for user-principal '...' are SCRAM-SHA-...=iterations=...", one a line; got "${line}"`,
  );
}
