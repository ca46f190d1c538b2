import { z } from "zod";
import { npmRun } from "../lib/npm-run";
import { Refusal } from "../lib/refusal";

/** A certificate, with those that lead to its authority, and its private key (PKCS#8). Both are PEM texts. */
export interface Identity {
  certificate: string;
  key: string;
}

/** What a client needs for TLS. */
export interface Tls {
  /** The certificates of the authorities that sign the brokers' certificates, as PEM text. */
  ca: string;
  /** What the client shows if the brokers ask for a certificate. @default nothing */
  identity?: Identity;
}

/** Encryption, and a login by certificate. */
export interface TlsSecurity extends Tls {
  protocol: "SSL";
  user: string;
  identity: Identity;
}

/** Encryption, and a login by password. */
export interface SaslSecurity extends Tls {
  protocol: "SASL_SSL";
  user: string;
  password: string;
}

/** How a client protects its connections to brokers, and as which user. The protocols have Kafka's names. */
export type ClientSecurity = { protocol: "PLAINTEXT" } | TlsSecurity | SaslSecurity;

/** PEM blocks and nothing else, so that every file can contain them as they are. */
const pem = z
  .string()
  .regex(/^(-----BEGIN [A-Z ]+-----\n[A-Za-z0-9+/=\n]+-----END [A-Z ]+-----\n)+$/);

const user = z.object({
  certificate: pem.optional(),
  key: pem.optional(),
  password: z.string().min(1).optional(),
});

/** The output of the program about the security of the listeners for clients. */
export const securityOutput = z.object({
  protocol: z.enum(["SSL", "SASL_SSL"]),
  ca: pem,
  users: z.record(z.string(), user),
});

export type SecurityOutput = z.infer<typeof securityOutput>;

/**
 * How a user of a stack connects.
 *
 * @param output Nothing if the brokers' listeners use PLAINTEXT.
 * @throws Refusal if the user is not named, unknown or not complete.
 */
export function securityOf(
  output: SecurityOutput | undefined,
  stack: string,
  name: string | undefined,
): ClientSecurity {
  if (output === undefined) {
    if (name !== undefined) {
      throw new Refusal(
        `the stack ${stack} has no user ${name}: its listeners for clients use PLAINTEXT, where nobody logs in.`,
        "Leave out --user. To secure the lab, see the setting kafkalab:security.",
      );
    }
    return { protocol: "PLAINTEXT" };
  }
  const { protocol, ca, users } = output;
  if (name === undefined || !Object.hasOwn(users, name)) {
    throw unknownUser(output, stack, name);
  }
  const { certificate, key, password } = users[name] ?? {};
  const identity =
    certificate === undefined || key === undefined ? undefined : { certificate, key };
  if (protocol === "SSL" && identity !== undefined) {
    return { protocol, ca, user: name, identity };
  }
  if (protocol === "SASL_SSL" && password !== undefined) {
    return { protocol, ca, user: name, password, identity };
  }
  const missing = protocol === "SSL" ? "certificate" : "password";
  throw new Refusal(
    `the outputs of the stack ${stack} have no ${missing} of the user ${name}, which ${protocol} needs.`,
    `Complete the change: ${npmRun("up", stack)}`,
  );
}

function unknownUser(
  { protocol, users }: SecurityOutput,
  stack: string,
  name: string | undefined,
): Refusal {
  const problem =
    name === undefined
      ? `clients of the stack ${stack} connect as a user (${protocol}), and --user names none.`
      : `the stack ${stack} has no user ${name}.`;
  const names = Object.keys(users).sort();
  return new Refusal(
    problem,
    names.length === 0
      ? "It has no users."
      : `Name one of its users: ${names.map((each) => `--user ${each}`).join(", ")}`,
    `To add a user, extend the setting kafkalab:users, then: ${npmRun("up", stack)}`,
  );
}
