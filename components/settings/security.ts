import {
  type CaRotation,
  type ClientAuth,
  FIRST_CA,
  isSecure,
  modesOf,
  NO_SECURITY,
  type Security,
  SECURITY_MODES,
  type SecurityMode,
} from "../lib/kafka-security";
import { type Breach } from "./breach";
import { choice, Computed, type Context, integer, wordOrObject } from "./define";
import { between, breach } from "./rules";
import { isObject } from "./values";

const MODES = SECURITY_MODES.join(", ");

/** The security of the lab. */
export const security = wordOrObject({
  name: "security",
  default: "plaintext",
  rule: `be one of ${MODES}, or {from: one, to: another} while clients change over`,
  text:
    "How clients connect. plaintext, as in the book's first chapters: no encryption, and everybody may do " +
    "everything. tls: encrypted; clients have a certificate of the lab's own CA. sasl: encrypted; clients " +
    "have a user name and a password (SCRAM-SHA-512). In tls and sasl a user may do what kafkalab:acls " +
    "allows, and brokers log in to one another with certificates and to ZooKeeper with a password.",
  change:
    "To change a running lab, set it to {from: the present mode, to: the new one} first: brokers restart " +
    "one by one and serve both, while you move your clients over. Then set it to the new mode: brokers " +
    "restart once more, and clients of the former mode can no longer connect. From and to plaintext, " +
    "ZooKeeper's nodes restart one by one as well.",
  example: { from: "plaintext", to: "tls" },
  read: (value, judge): Security => {
    const mode = modeOf(value);
    if (mode !== undefined) {
      return { from: mode, to: mode };
    }
    if (!isObject(value)) {
      const remedy = "Take plaintext, which is the default";
      judge({ rule: `be one of ${MODES}, or {from: one, to: another}`, remedy }, value);
      return NO_SECURITY;
    }
    const [from, to] = [modeOf(value.from), modeOf(value.to)];
    const isSound = judge(badChange(value, from, to), value);
    return isSound && from !== undefined && to !== undefined ? { from, to } : NO_SECURITY;
  },
});

const clientAuth = choice<"clientAuth", ClientAuth>({
  name: "clientAuth",
  words: ["required", "requested", "none"],
  default: new Computed(
    "required if kafkalab:security has tls, otherwise none",
    (context): ClientAuth => (modesOf(context.get(security)).includes("tls") ? "required" : "none"),
  ),
  also: {
    text: "none in plaintext; in tls only required or requested",
    check: (value, context) => {
      const modes = modesOf(context.get(security));
      return (
        breach(
          value !== "none" && !isSecure(context.get(security)),
          "be left out while kafkalab:security is plaintext",
          "Remove it with: pulumi config rm kafkalab:clientAuth",
        ) ??
        breach(
          value === "none" && modes.includes("tls"),
          "be required or requested in tls, where the certificate says who the client is",
          "Take required, or sasl",
        )
      );
    },
  },
  text:
    "Whether brokers ask clients for a certificate (Kafka's ssl.client.auth). In tls, requested lets a " +
    "client without one connect as User:ANONYMOUS, which may do only what kafkalab:acls allows to all " +
    "users (*). In sasl, a certificate comes in addition to the password.",
  change: "A change restarts the brokers one by one, the controller last.",
  example: "required",
});

const certificateHours = integer({
  name: "certificateHours",
  default: 8760,
  rule: between(1, 87_600, "Take 8760, which is a year", "hours"),
  text:
    "How many hours a certificate is valid. The first up in its last third replaces it while brokers run; " +
    "npm run status shows when each ends.",
  change: "A change makes new certificates, which brokers take while they run.",
  example: 2160,
});

const ROTATION: Rotation = { ca: FIRST_CA, certificates: 1, passwords: 1 };

/** What is made anew when a number changes. */
export interface Rotation {
  ca: CaRotation;
  /** The keys and certificates of brokers and users. */
  certificates: number;
  /** The passwords that the lab makes. */
  passwords: number;
}

const rotation = wordOrObject({
  name: "rotation",
  default: {},
  rule:
    "hold certificates, passwords and ca, each a whole number from 1; ca may also be {from: a number, " +
    "to: the next} while clients change over, but not while kafkalab:security has from and to",
  text:
    "Numbers whose change makes secrets anew: the certificates of brokers and users with their keys, the " +
    "passwords that the lab makes, and the CA. With ca: {from: 1, to: 2} everybody trusts both; brokers " +
    "keep the certificates of the first, and the client-config has one of the second.",
  change:
    "Brokers take new certificates and CAs while they run, and users get their new passwords. To replace " +
    "the CA, set ca to {from: the present number, to: the next} first, give clients the new client-config, " +
    "then set ca to the next number: brokers take certificates of the new CA, and no longer trust the " +
    "former one.",
  example: { certificates: 2 },
  read: (value, judge, context): Rotation => {
    const fields = isObject(value) ? value : {};
    const isSound = judge(badRotation(value, context), value);
    return isSound
      ? {
          ca: caOf(fields.ca) ?? ROTATION.ca,
          certificates: Number(fields.certificates ?? 1),
          passwords: Number(fields.passwords ?? 1),
        }
      : ROTATION;
  },
});

/** The settings of the lab's security. */
export const SECURITY = [security, clientAuth, certificateHours, rotation] as const;

function modeOf(value: unknown): SecurityMode | undefined {
  return SECURITY_MODES.find((mode) => mode === value);
}

function badChange(
  value: Record<string, unknown>,
  from: SecurityMode | undefined,
  to: SecurityMode | undefined,
): Breach | undefined {
  const remedy = "Write {from: the present mode, to: the new one}";
  const further = Object.keys(value).some((key) => key !== "from" && key !== "to");
  return (
    breach(
      further || from === undefined || to === undefined,
      `hold from and to, each one of ${MODES}`,
      remedy,
    ) ?? breach(from === to, "change the mode: from and to differ", `Write ${to} alone`)
  );
}

const FIELDS = ["ca", "certificates", "passwords"];

function badRotation(value: unknown, context: Context): Breach | undefined {
  const remedy = "Write one such as {certificates: 2}";
  if (!isObject(value)) {
    return { rule: "hold numbers by name", remedy };
  }
  const { ca, certificates = 1, passwords = 1 } = value;
  const numbers = caOf(ca);
  const { from, to } = context.get(security);
  return (
    breach(
      Object.keys(value).some((key) => !FIELDS.includes(key)),
      `hold ${FIELDS.join(", ")} only`,
      remedy,
    ) ??
    breach(
      !isNumber(certificates) ||
        !isNumber(passwords) ||
        (ca !== undefined && numbers === undefined),
      "hold whole numbers from 1 to 1000; ca may also be {from: a number, to: the next}",
      remedy,
    ) ??
    breach(
      numbers !== undefined && numbers.from !== numbers.to && numbers.to !== numbers.from + 1,
      "go from one CA to the next",
      `Write {ca: {from: ${numbers?.from}, to: ${(numbers?.from ?? 0) + 1}}}`,
    ) ??
    breach(
      numbers !== undefined && numbers.from !== numbers.to && from !== to,
      "not change the CA while kafkalab:security has from and to",
      "Finish one change first",
    )
  );
}

function caOf(value: unknown): CaRotation | undefined {
  if (isNumber(value)) {
    return { from: value, to: value };
  }
  if (!isObject(value) || Object.keys(value).sort().join(",") !== "from,to") {
    return undefined;
  }
  const { from, to } = value;
  return isNumber(from) && isNumber(to) && from !== to ? { from, to } : undefined;
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 1000;
}
