/*
 * Everything that depends on the security of the listener: each client's own words for a ClientAccess. The
 * templates insert these lines and know nothing about protocols.
 */
import { MECHANISM } from "../../components/lib/kafka-listeners";
import type { ClientAccess } from "./access";
import { jaasValue, librdkafkaValue, literal } from "./escape";
import { type ClientSecurity, type SaslSecurity, type Tls } from "./security";

/** The name and the value of a property, without the escapes of a file. */
export type Property = [name: string, value: string];

/** Properties of Java clients. */
export function javaConnection(access: ClientAccess): Property[] {
  return [
    ["bootstrap.servers", access.bootstrapServers],
    ["security.protocol", access.protocol],
    ...(access.protocol === "PLAINTEXT" ? [] : javaTls(access)),
    ...(access.protocol === "SASL_SSL" ? javaSasl(access) : []),
  ];
}

function javaTls({ ca, identity }: Tls): Property[] {
  const authorities: Property[] = [
    ["ssl.truststore.type", "PEM"],
    ["ssl.truststore.certificates", ca],
  ];
  if (identity === undefined) {
    return authorities;
  }
  return [
    ...authorities,
    ["ssl.keystore.type", "PEM"],
    ["ssl.keystore.certificate.chain", identity.certificate],
    ["ssl.keystore.key", identity.key],
  ];
}

function javaSasl({ user, password }: SaslSecurity): Property[] {
  const module = "org.apache.kafka.common.security.scram.ScramLoginModule";
  const login = `username=${jaasValue(user)} password=${jaasValue(password)}`;
  return [
    ["sasl.mechanism", MECHANISM],
    ["sasl.jaas.config", `${module} required ${login};`],
  ];
}

/** Properties of librdkafka, with PEM texts as values. */
export function librdkafkaConnection(access: ClientAccess): Property[] {
  return [["bootstrap.servers", access.bootstrapServers], ...librdkafkaSecurity(access)];
}

/** The properties of librdkafka about security, with PEM texts as values. */
function librdkafkaSecurity(security: ClientSecurity): Property[] {
  return [
    ["security.protocol", security.protocol],
    ...(security.protocol === "PLAINTEXT" ? [] : librdkafkaTls(security)),
    ...(security.protocol === "SASL_SSL" ? librdkafkaSasl(security) : []),
  ];
}

function librdkafkaTls({ ca, identity }: Tls): Property[] {
  const authorities: Property[] = [
    // Releases before 2.0 do not compare the broker's name with its certificate otherwise.
    ["ssl.endpoint.identification.algorithm", "https"],
    ["ssl.ca.pem", ca],
  ];
  if (identity === undefined) {
    return authorities;
  }
  return [
    ...authorities,
    ["ssl.certificate.pem", identity.certificate],
    ["ssl.key.pem", identity.key],
  ];
}

function librdkafkaSasl({ user, password }: SaslSecurity): Property[] {
  return [
    ["sasl.mechanism", MECHANISM],
    ["sasl.username", user],
    ["sasl.password", librdkafkaValue("sasl.password", password)],
  ];
}

/** Properties of librdkafka for a file of kcat; see {@link kcatSecurity}. */
export function kcatConnection(access: ClientAccess, pemFile: string): Property[] {
  return [["bootstrap.servers", access.bootstrapServers], ...kcatSecurity(access, pemFile)];
}

/**
 * Properties of librdkafka about security for a file of kcat, which has no room for PEM texts: its lines are short, and it has
 * no escape for a line end.
 *
 * @param pemFile The path of a file with {@link pemText}.
 */
export function kcatSecurity(security: ClientSecurity, pemFile: string): Property[] {
  return librdkafkaSecurity(security).map(([name, value]) =>
    name.endsWith(".pem") ? [name.replace(/pem$/, "location"), pemFile] : [name, value],
  );
}

/** All PEM texts in one: librdkafka takes from it what it needs. */
export function pemText({ ca, identity }: Tls): string {
  // A file with a certificate and its chain must begin with the certificate.
  return [identity?.certificate, identity?.key, ca].join("");
}

/** Lines of an object for the constructors of `@platformatic/kafka`. Without `tls` they use PLAINTEXT. */
export function nodeConnection(access: ClientAccess): string[] {
  const servers = access.bootstrapServers.split(",").map((server) => `    "${server}",`);
  return [
    ...["  bootstrapBrokers: [", ...servers, "  ],"],
    ...(access.protocol === "PLAINTEXT" ? [] : nodeTls(access)),
    ...(access.protocol === "SASL_SSL" ? nodeSasl(access) : []),
  ];
}

function nodeTls({ ca, identity }: Tls): string[] {
  return [
    "  tls: {",
    `    ca: \`${ca}\`,`,
    ...(identity === undefined
      ? []
      : [`    cert: \`${identity.certificate}\`,`, `    key: \`${identity.key}\`,`]),
    "  },",
  ];
}

function nodeSasl({ user, password }: SaslSecurity): string[] {
  return [
    "  sasl: {",
    `    mechanism: "${MECHANISM}",`,
    `    username: ${literal(user)},`,
    `    password: ${literal(password)},`,
    "  },",
  ];
}

/** What a program in Go needs to connect. */
export interface GoConnection {
  /** Packages of the standard library, besides those of the rest of the program. */
  packages: string[];
  /** Packages of franz-go, besides `kgo`. */
  franzPackages: string[];
  /** Options for `kgo.NewClient`. Without `kgo.DialTLSConfig` it uses PLAINTEXT. */
  options: string[];
  /** Declarations that the options use. */
  declarations: string[];
}

/** What a program for franz-go needs to connect. */
export function goConnection(access: ClientAccess): GoConnection {
  const servers = access.bootstrapServers.split(",").map((server) => `\t\t"${server}",`);
  const isSecured = access.protocol !== "PLAINTEXT";
  const isSasl = access.protocol === "SASL_SSL";
  return {
    packages: isSecured ? ["crypto/tls", "crypto/x509"] : [],
    franzPackages: isSasl ? ["github.com/twmb/franz-go/pkg/sasl/scram"] : [],
    options: [
      ...["\tkgo.SeedBrokers(", ...servers, "\t),"],
      ...(isSecured ? ["\tkgo.DialTLSConfig(tlsConfig()),"] : []),
      ...(isSasl ? goSasl(access) : []),
    ],
    declarations: isSecured ? goTls(access) : [],
  };
}

function goTls({ ca, identity }: Tls): string[] {
  return [
    "// ca signs the certificates of the brokers.",
    `const ca = \`${ca}\``,
    "",
    ...(identity === undefined
      ? []
      : [
          "// certificate and key say who this client is.",
          `const certificate = \`${identity.certificate}\``,
          `const key = \`${identity.key}\``,
          "",
        ]),
    "func tlsConfig() *tls.Config {",
    "\troots := x509.NewCertPool()",
    "\tif !roots.AppendCertsFromPEM([]byte(ca)) {",
    '\t\tlog.Fatal("ca contains no certificate")',
    "\t}",
    ...(identity === undefined
      ? ["\treturn &tls.Config{RootCAs: roots}"]
      : [
          "\tidentity, err := tls.X509KeyPair([]byte(certificate), []byte(key))",
          "\tif err != nil {",
          "\t\tlog.Fatal(err)",
          "\t}",
          "\treturn &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{identity}}",
        ]),
    "}",
    "",
  ];
}

function goSasl({ user, password }: SaslSecurity): string[] {
  return [
    "\tkgo.SASL(scram.Auth{",
    `\t\tUser: ${literal(user)},`,
    `\t\tPass: ${literal(password)},`,
    "\t}.AsSha512Mechanism()),",
  ];
}

/** Lines below `spring.kafka`. */
export function springConnection(access: ClientAccess): string[] {
  return [
    `bootstrap-servers: ${access.bootstrapServers}`,
    "security:",
    `  protocol: ${access.protocol}`,
    ...(access.protocol === "PLAINTEXT" ? [] : springTls(access)),
    ...(access.protocol === "SASL_SSL" ? springSasl(access) : []),
  ];
}

function springTls({ ca, identity }: Tls): string[] {
  return [
    "ssl:",
    "  trust-store-type: PEM",
    ...yamlBlock("  trust-store-certificates", ca),
    ...(identity === undefined
      ? []
      : [
          "  key-store-type: PEM",
          ...yamlBlock("  key-store-certificate-chain", identity.certificate),
          ...yamlBlock("  key-store-key", identity.key),
        ]),
  ];
}

function springSasl(security: SaslSecurity): string[] {
  const lines = javaSasl(security).map(([name, value]) => `  ${name}: ${literal(value)}`);
  return ["properties:", ...lines];
}

/** A key with PEM text. */
function yamlBlock(key: string, text: string): string[] {
  const indent = " ".repeat(key.length - key.trimStart().length + 2);
  const lines = text.trimEnd().split("\n");
  return [`${key}: |`, ...lines.map((line) => `${indent}${line}`)];
}
