/*
 * The note of the users, ACLs and quotas that the lab has made. It contains no secrets.
 */
import { z } from "zod";
import { binding, bindingId } from "./bindings";
import { credential, credentialId, limitId, limitKey } from "./entities";

/**
 * File on the data volume of every broker. What any broker's file names is the lab's: a broker that was
 * replaced, or stopped while the operator wrote the files, may have none or an older one.
 */
export const ACCESS_NOTE = "/data/kafkalab-access";

const note = z.strictObject({
  version: z.literal(1),
  credentials: z.array(credential),
  bindings: z.array(binding),
  limits: z.array(limitKey),
});

/** What the lab has made in a cluster, or should make. */
export type Access = Omit<z.infer<typeof note>, "version">;

/** Whether there is nothing at all. */
export function isNothing({ credentials, bindings, limits }: Access): boolean {
  return credentials.length + bindings.length + limits.length === 0;
}

/** Returns everything that one of several notes names. */
export function unionOf(notes: readonly Access[]): Access {
  return {
    credentials: distinct(
      notes.flatMap(({ credentials }) => credentials),
      credentialId,
    ),
    bindings: distinct(
      notes.flatMap(({ bindings }) => bindings),
      bindingId,
    ),
    limits: distinct(
      notes.flatMap(({ limits }) => limits),
      limitId,
    ),
  };
}

function distinct<T>(items: readonly T[], idOf: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [idOf(item), item])).values()];
}

/** Writes a note as one line; "" if there is nothing to note. Equal notes have equal texts. */
export function noteText(access: Access): string {
  if (isNothing(access)) {
    return "";
  }
  const sorted = {
    version: 1,
    credentials: access.credentials.map(({ user, mechanism }) => ({ user, mechanism })),
    bindings: access.bindings,
    limits: access.limits.map(({ user, client, key }) => ({ user, client, key })),
  };
  const { credentials, bindings, limits } = sorted;
  credentials.sort(by(credentialId));
  sorted.bindings = [...bindings].sort(by(bindingId));
  limits.sort(by(limitId));
  return JSON.stringify(sorted);
}

const by =
  <T>(idOf: (item: T) => string) =>
  (one: T, other: T) =>
    idOf(one) < idOf(other) ? -1 : 1;

/**
 * Reads the note of a host.
 *
 * @throws Error that says how to repair a damaged note.
 */
export function readNote(host: string, text: string): Access {
  try {
    const { credentials, bindings, limits } = note.parse(JSON.parse(text));
    return { credentials, bindings, limits };
  } catch (error) {
    const start = text.length > 60 ? `${text.slice(0, 60)}...` : text;
    throw new Error(
      `${host}: ${ACCESS_NOTE}: it must be the operator's note of users, ACLs and quotas, version 1; got ` +
        `"${start}". Delete it with: sudo rm ${ACCESS_NOTE}. The notes of the other brokers count, too. ` +
        "What only this note named stays in the cluster until you remove it with Kafka's tools.",
      { cause: error },
    );
  }
}
