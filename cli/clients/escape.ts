/*
 * How a text is written in the files of clients, so that the client reads it back unchanged.
 */
import { Refusal } from "../lib/refusal";

/** A value in a file that Java's `Properties` reads. */
export function javaValue(text: string): string {
  return text
    .replaceAll("\\", "\\\\")
    .replaceAll("\n", "\\n")
    .replace(/^ /, "\\ ") // Java drops spaces before a value
    .replaceAll(/[^ -~]/g, unicodeEscapes);
}

/**
 * A quoted value in `sasl.jaas.config`. Octal escapes hide a `${` from Spring, which would replace it.
 */
export function jaasValue(text: string): string {
  const octal = (character: string) => `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`;
  return `"${text.replaceAll(/["\\$]|\p{Cc}/gu, octal)}"`;
}

/** A string literal, which JavaScript, Python, Go and YAML read alike. */
export function literal(text: string): string {
  return JSON.stringify(text).replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\ufeff]/gu, unicodeEscapes);
}

/** The escapes of a character that JavaScript, Python, Go, YAML and Java's `Properties` share. */
function unicodeEscapes(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/**
 * A value for librdkafka, which drops spaces before it.
 *
 * @throws Refusal if librdkafka would use another value. It does not show the value, which may be a secret.
 */
export function librdkafkaValue(name: string, value: string): string {
  if (/^\s/.test(value)) {
    throw unreadable("librdkafka", name, "a space before it");
  }
  return value;
}

/** kcat reads lines of so many bytes, and takes the rest for the next line. */
const KCAT_LINE_BYTES = 511;

/**
 * A line of a file for `kcat -F`, which has no escapes.
 *
 * @throws Refusal if kcat would read another value. It does not show the value, which may be a secret.
 */
export function kcatLine(name: string, value: string): string {
  const line = `${name}=${librdkafkaValue(name, value)}`;
  if (Buffer.byteLength(line) > KCAT_LINE_BYTES) {
    throw unreadable("kcat", name, `more than ${KCAT_LINE_BYTES - name.length - 1} bytes`);
  }
  const fault = KCAT_FAULTS.find(([pattern]) => pattern.test(value))?.[1];
  if (fault !== undefined) {
    throw unreadable("kcat", name, fault);
  }
  return line;
}

const KCAT_FAULTS = [
  [/[\0\n\r]/, "a line end"],
  // kcat drops the backslash, as for Java's files.
  [/\\[:=]/, '"\\:" or "\\="'],
  [/\s$/, "a space behind it"],
] as const;

const unreadable = (client: string, name: string, fault: string) =>
  new Refusal(
    `${client} cannot read ${name} if the value has ${fault}.`,
    "Change the value, or use a client that is not built on librdkafka.",
  );
