import { type Breach } from "./breach";
import { breach } from "./rules";

/** The names that Kafka accepts for a topic, except for . and .. */
export const TOPIC_NAME = /^[a-zA-Z0-9._-]{1,249}$/;

/** Rejects a value that is not the name of a topic, or the beginning of one. */
export function badTopicPart(value: unknown): Breach | undefined {
  return breach(
    typeof value !== "string" || !TOPIC_NAME.test(value),
    "be 1 to 249 letters, digits, dots, hyphens and underscores",
    "Take one such as peter-overview01",
  );
}

/**
 * Rejects a value that is not the id of a group, a transaction or a client. Kafka takes more, but its tools
 * split names at commas and ZooKeeper splits them at slashes.
 */
export function badId(value: unknown): Breach | undefined {
  return breach(
    typeof value !== "string" || !/^[\x21-\x7e]{1,249}$/.test(value) || /[,/'"`*<>]/.test(value),
    "be 1 to 249 printable ASCII characters without blanks, commas, slashes, quotes, * or < and >",
    "Take one such as billing-1",
  );
}
