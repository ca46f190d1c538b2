import type { SecurityMode } from "../../components/lib/kafka-security";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { runInThisContext } from "node:vm";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { type ClientAccess, clientAccess } from "../../cli/clients/access";
import { findClient, type RemoteClient } from "../../cli/clients/client-host";
import { pemText } from "../../cli/clients/connection";
import { jaasValue, javaValue, kcatLine, librdkafkaValue, literal } from "../../cli/clients/escape";
import { type ClientLab, type LabOutputs, readOutputs } from "../../cli/clients/lab";
import { createFiles } from "../../cli/clients/output-file";
import { produce } from "../../cli/clients/remote-run";
import { checkPrintable } from "../../cli/clients/secret-output";
import { secured } from "../../cli/clients/secured-command";
import { type ClientSecurity, securityOf, type SecurityOutput } from "../../cli/clients/security";
import { type ClientKind, TEMPLATES } from "../../cli/clients/templates";
import { renderTemplate, type Template } from "../../cli/clients/templates/template";
import { planTunnel, tunnelArguments } from "../../cli/clients/tunnel-plan";
import { Refusal } from "../../cli/lib/refusal";
import { runCommandLine } from "../../cli/program";
import { exportedResources, resourcesInFile, type StateResource } from "../../cli/pulumi/stacks";

/*
 * Clients of a lab whose listeners use TLS or SASL.
 */

vi.mock("../../cli/pulumi/stacks", () => ({
  enterExisting: (name: string) => Promise.resolve({ name, target: "local" }),
  resourcesInFile: vi.fn(),
  exportedResources: vi.fn(),
}));

let scratch: string;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "kafkalab-clients-"));
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(scratch, { recursive: true });
});

/** PEM text with a body that says what it is. */
const pem = (label: string, body: string) =>
  `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;

const CA = pem("CERTIFICATE", "ca+/=");
const IDENTITY = { certificate: pem("CERTIFICATE", "alice"), key: pem("PRIVATE KEY", "secret") };
const PASSWORD = 'pa$$ "word" \\ {1}';
const SECRETS = [IDENTITY.key.split("\n")[1] ?? "", PASSWORD];

const SERVERS = "198.18.7.1:9194,198.18.7.2:9194";
const TLS = { protocol: "SSL", ca: CA, user: "alice", identity: IDENTITY } as const;
const SASL = { protocol: "SASL_SSL", ca: CA, user: "alice", password: PASSWORD } as const;
const SASL_AND_IDENTITY = { ...SASL, identity: IDENTITY } as const;

const TLS_OUTPUT: SecurityOutput = {
  ...{ protocol: "SSL", ca: CA },
  users: { bob: IDENTITY, alice: IDENTITY, carol: { password: PASSWORD } },
};
const SASL_OUTPUT: SecurityOutput = {
  ...{ protocol: "SASL_SSL", ca: CA },
  users: { alice: { password: PASSWORD }, bob: { ...IDENTITY, password: PASSWORD }, carol: {} },
};

/** The text of the refusal that a function throws. */
async function refusal(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (error instanceof Refusal) {
      return error.text;
    }
    throw error;
  }
  throw new Error("there was no refusal");
}

/** Creates a program in a directory that is first on the PATH. */
function fakeProgram(name: string, script: string): void {
  writeFileSync(join(scratch, name), `#!/bin/bash\n${script}\n`);
  chmodSync(join(scratch, name), 0o755);
  vi.stubEnv("PATH", `${scratch}:${process.env["PATH"]}`);
}

const SECRET = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270" };

/** The resources in the state of a stack with these outputs. */
const stateWith = (outputs: Record<string, unknown>): StateResource[] => [
  { urn: "s", type: "pulumi:pulumi:Stack", outputs },
];

describe("the output clientSecurity", () => {
  const of = (clientSecurity: unknown) => readOutputs(stateWith({ clientSecurity }));

  test.each([
    ["is a secret", { ...SECRET, plaintext: JSON.stringify(TLS_OUTPUT) }, TLS_OUTPUT],
    ["is no secret", SASL_OUTPUT, SASL_OUTPUT],
    ["is missing", undefined, undefined],
    ["is empty", null, undefined],
    ["is a secret without a value", { ...SECRET, plaintext: "null" }, undefined],
  ])("%s", (_, output, expected) => {
    expect(of(output).clientSecurity).toEqual(expected);
  });

  test.each([
    ["is encrypted", { ...SECRET, ciphertext: "v1:abc" }],
    ["has another protocol", { ...TLS_OUTPUT, protocol: "PLAINTEXT" }],
    ["has a text that is not PEM", { ...TLS_OUTPUT, ca: `${CA}\`; rm -rf /` }],
    ["has an empty password", { ...SASL_OUTPUT, users: { alice: { password: "" } } }],
  ])("is rejected if it %s", (_, output) => {
    expect(() => of(output)).toThrow();
  });

  test("is not in the message if it is rejected", () => {
    const users = { alice: { password: 17, certificate: PASSWORD, key: PASSWORD } };
    expect(() => of({ ...SASL_OUTPUT, users })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(PASSWORD) as string }),
    );
  });
});

describe("a user", () => {
  test.each<[SecurityOutput | undefined, string | undefined, ClientSecurity]>([
    [undefined, undefined, { protocol: "PLAINTEXT" }],
    [TLS_OUTPUT, "alice", TLS],
    [SASL_OUTPUT, "alice", SASL],
    [SASL_OUTPUT, "bob", { ...SASL_AND_IDENTITY, user: "bob" }],
  ])("connects: %#", (output, name, expected) => {
    expect(securityOf(output, "local", name)).toEqual(expected);
    const outputs = { clientBootstrapServers: SERVERS, clientSecurity: output };
    expect(clientAccess(outputs, "local", name)).toEqual({
      ...expected,
      bootstrapServers: SERVERS,
    });
  });

  const ADD = "To add a user, extend the setting kafkalab:users, then: npm run up -- -s dev";
  test.each<[string, SecurityOutput | undefined, string | undefined, string]>([
    [
      "in a lab without users",
      undefined,
      "alice",
      "kafkalab: the stack dev has no user alice: its listeners for clients use PLAINTEXT, where nobody logs in.\n  Leave out --user. To secure the lab, see the setting kafkalab:security.",
    ],
    [
      "that is not named",
      TLS_OUTPUT,
      undefined,
      `kafkalab: clients of the stack dev connect as a user (SSL), and --user names none.\n  Name one of its users: --user alice, --user bob, --user carol\n  ${ADD}`,
    ],
    [
      "that is unknown",
      SASL_OUTPUT,
      "eve",
      `kafkalab: the stack dev has no user eve.\n  Name one of its users: --user alice, --user bob, --user carol\n  ${ADD}`,
    ],
    [
      "with a name of JavaScript's own",
      TLS_OUTPUT,
      "constructor",
      `kafkalab: the stack dev has no user constructor.\n  Name one of its users: --user alice, --user bob, --user carol\n  ${ADD}`,
    ],
    [
      "of nobody",
      { ...SASL_OUTPUT, users: {} },
      undefined,
      `kafkalab: clients of the stack dev connect as a user (SASL_SSL), and --user names none.\n  It has no users.\n  ${ADD}`,
    ],
    [
      "without a certificate",
      TLS_OUTPUT,
      "carol",
      "kafkalab: the outputs of the stack dev have no certificate of the user carol, which SSL needs.\n  Complete the change: npm run up -- -s dev",
    ],
    [
      "without a password",
      SASL_OUTPUT,
      "carol",
      "kafkalab: the outputs of the stack dev have no password of the user carol, which SASL_SSL needs.\n  Complete the change: npm run up -- -s dev",
    ],
  ])("%s is refused", async (_, output, name, text) => {
    expect(await refusal(() => securityOf(output, "dev", name))).toBe(text);
  });
});

const KINDS = Object.keys(TEMPLATES) as ClientKind[];
const ACCESSES: [string, ClientAccess][] = [
  ["PLAINTEXT", { protocol: "PLAINTEXT", bootstrapServers: SERVERS }],
  ["SSL", { ...TLS, bootstrapServers: SERVERS }],
  ["SASL_SSL", { ...SASL, bootstrapServers: SERVERS }],
  ["SASL_SSL with a certificate", { ...SASL_AND_IDENTITY, bootstrapServers: SERVERS }],
];
const EVERY_KIND = KINDS.flatMap((kind) =>
  ACCESSES.map(([name, access]): [ClientKind, string, ClientAccess] => [kind, name, access]),
);

/** The text of a client's file, without the remarks. */
function render(kind: ClientKind, access: ClientAccess): string {
  const template: Template = TEMPLATES[kind];
  const text = renderTemplate(kind, template, {
    ...{ access, topic: "orders", stack: "local", file: template.file },
    pemFile: `/home/me/${template.file}.pem`,
  });
  return text.slice(text.indexOf("\n\n") + 2);
}

/** The properties in a file of lines `key=value`, which `read` decodes. */
function properties(text: string, read: (value: string) => string): Record<string, string> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return Object.fromEntries(
    lines.map((line) => {
      const [name = "", ...value] = line.split("=");
      return [name, read(value.join("="))];
    }),
  );
}

/** A value as Java's `Properties` reads it. */
const javaRead = (value: string) =>
  value
    .trimStart()
    .replaceAll(/\\(u[0-9a-f]{4}|.)/gs, (_, escape: string) =>
      escape.length > 1
        ? String.fromCharCode(parseInt(escape.slice(1), 16))
        : ({ n: "\n", r: "\r", t: "\t", f: "\f" }[escape] ?? escape),
    );

/** The quoted value of a word in `sasl.jaas.config`, as Java's `StreamTokenizer` reads it. */
function jaasRead(config: string, word: string): string | undefined {
  const quoted = new RegExp(`${word}="((?:[^"\\\\\\n\\r]|\\\\.)*)"`).exec(config)?.[1];
  return quoted?.replaceAll(/\\([0-3][0-7]{2}|.)/g, (_, escape: string) =>
    escape.length > 1 ? String.fromCharCode(parseInt(escape, 8)) : escape,
  );
}

/** A line of a file as kcat 1.7.1 reads it. */
function kcatRead(line: string): [string, string] {
  let text = line.slice(0, 511).trim();
  while (/\\[:=]/.test(text)) {
    text = text.replace(/\\([:=])/, "$1");
  }
  const at = text.indexOf("=");
  // librdkafka drops the spaces before a value.
  return [text.slice(0, at), text.slice(at + 1).trimStart()];
}

describe("a client file", () => {
  test.each(EVERY_KIND)("for %s with %s says who connects, and to whom", (kind, _, access) => {
    const text = render(kind, access);
    expect(text).not.toContain("undefined");
    const remark = renderTemplate(kind, TEMPLATES[kind], {
      ...{ access, topic: "t", stack: "dev", file: "f", pemFile: "/f.pem" },
    });
    const user = access.protocol === "PLAINTEXT" ? "" : "--user alice ";
    expect(remark.split("\n")[0]).toMatch(
      new RegExp(`Created by: npm run client-config -- -s dev ${user}${kind}$`),
    );
    for (const part of ["BEGIN", "SCRAM", "tls", "ssl.", "sasl"]) {
      if (access.protocol === "PLAINTEXT") {
        expect(text).not.toContain(part);
      }
    }
  });

  test.each(ACCESSES)("for Java with %s has the PEM texts and the login in it", (_, access) => {
    const read = properties(render("java", access), javaRead);
    const isSecured = access.protocol !== "PLAINTEXT";
    const identity = isSecured ? access.identity : undefined;
    const jaas = read["sasl.jaas.config"] ?? "";
    expect(read).toMatchObject({
      ...{ "bootstrap.servers": SERVERS, "security.protocol": access.protocol },
      ...(isSecured && { "ssl.truststore.type": "PEM", "ssl.truststore.certificates": CA }),
      ...(identity !== undefined && {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.certificate.chain": IDENTITY.certificate,
        "ssl.keystore.key": IDENTITY.key,
      }),
    });
    expect("ssl.keystore.key" in read).toBe(identity !== undefined);
    if (access.protocol === "SASL_SSL") {
      expect(read["sasl.mechanism"]).toBe("SCRAM-SHA-512");
      expect(jaas).toMatch(
        /^org\.apache\.kafka\.common\.security\.scram\.ScramLoginModule required username=.* password=.*;$/,
      );
      expect([jaasRead(jaas, "username"), jaasRead(jaas, "password")]).toEqual(["alice", PASSWORD]);
    } else {
      expect(jaas).toBe("");
    }
  });

  const KCAT_TLS = {
    "ssl.endpoint.identification.algorithm": "https",
    "ssl.ca.location": "/home/me/kcat.conf.pem",
  };
  const KCAT_IDENTITY = {
    "ssl.certificate.location": "/home/me/kcat.conf.pem",
    "ssl.key.location": "/home/me/kcat.conf.pem",
  };
  const KCAT_LOGIN = {
    ...{ "sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "alice", "sasl.password": PASSWORD },
  };
  test.each<[string, Record<string, string>]>([
    ["PLAINTEXT", {}],
    ["SSL", { ...KCAT_TLS, ...KCAT_IDENTITY }],
    ["SASL_SSL", { ...KCAT_TLS, ...KCAT_LOGIN }],
    ["SASL_SSL with a certificate", { ...KCAT_TLS, ...KCAT_IDENTITY, ...KCAT_LOGIN }],
  ])("for kcat with %s names a second file", (name, expected) => {
    const access = Object.fromEntries(ACCESSES)[name] as ClientAccess;
    const lines = render("kcat", access).trimEnd().split("\n");
    expect(Object.fromEntries(lines.map(kcatRead))).toEqual({
      ...{ "bootstrap.servers": SERVERS, "security.protocol": access.protocol },
      ...expected,
    });
    const others = render("librdkafka", access).replaceAll("librdkafka.conf", "kcat.conf");
    expect(others.split("\n")).toEqual(expect.arrayContaining(lines));
  });

  test("begins the second file with the certificate, which its chain would follow", () => {
    expect(pemText(TLS)).toBe(IDENTITY.certificate + IDENTITY.key + CA);
    expect(pemText(SASL)).toBe(CA);
  });

  test.each(ACCESSES)("for Spring with %s is YAML with the same values", (_, access) => {
    const { kafka } = (
      parse(render("spring", access)) as { spring: { kafka: Record<string, unknown> } }
    ).spring;
    expect(kafka).toMatchObject({
      ...{ "bootstrap-servers": SERVERS, security: { protocol: access.protocol } },
    });
    const isSecured = access.protocol !== "PLAINTEXT";
    const identity = isSecured ? access.identity : undefined;
    expect(kafka["ssl"]).toEqual(
      isSecured
        ? {
            ...{ "trust-store-type": "PEM", "trust-store-certificates": CA },
            ...(identity !== undefined && {
              "key-store-type": "PEM",
              "key-store-certificate-chain": IDENTITY.certificate,
              "key-store-key": IDENTITY.key,
            }),
          }
        : undefined,
    );
    const java = properties(render("java", access), javaRead);
    expect(kafka["properties"]).toEqual(
      access.protocol === "SASL_SSL"
        ? {
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.jaas.config": java["sasl.jaas.config"],
          }
        : undefined,
    );
  });

  test.each(ACCESSES)("for Node.js with %s is JavaScript with the same values", (_, access) => {
    const text = render("node", access);
    const file = join(scratch, "client.mjs");
    writeFileSync(file, text);
    expect(spawnSync(process.execPath, ["--check", file]).stderr.toString()).toBe("");
    const [, object = ""] = /const connection = (\{.*?\n\});/s.exec(text) ?? [];
    const { tls, sasl } = evaluate(object) as Record<string, unknown>;
    const isSecured = access.protocol !== "PLAINTEXT";
    const identity = isSecured ? access.identity : undefined;
    expect(tls).toEqual(
      isSecured ? { ca: CA, cert: identity?.certificate, key: identity?.key } : undefined,
    );
    expect(sasl).toEqual(
      access.protocol === "SASL_SSL"
        ? { mechanism: "SCRAM-SHA-512", username: "alice", password: PASSWORD }
        : undefined,
    );
  });

  test.each<[ClientKind, string, string[]]>([
    [
      "python",
      "SSL",
      [
        '"security.protocol": "SSL"',
        `"ssl.ca.pem": """${CA}"""`,
        `"ssl.certificate.pem": """${IDENTITY.certificate}"""`,
        `"ssl.key.pem": """${IDENTITY.key}"""`,
      ],
    ],
    [
      "python",
      "SASL_SSL",
      ['"sasl.username": "alice"', `"sasl.password": ${literal(PASSWORD)}`, '"SCRAM-SHA-512"'],
    ],
    [
      "go",
      "SSL",
      [
        '\t"context"\n\t"crypto/tls"\n\t"crypto/x509"\n\t"fmt"\n',
        "\tkgo.DialTLSConfig(tlsConfig()),\n}\n",
        `const ca = \`${CA}\`\n`,
        `const certificate = \`${IDENTITY.certificate}\`\n`,
        `const key = \`${IDENTITY.key}\`\n`,
        "Certificates: []tls.Certificate{identity}",
      ],
    ],
    [
      "go",
      "SASL_SSL",
      [
        '\t"github.com/twmb/franz-go/pkg/sasl/scram"\n',
        `\t\tPass: ${literal(PASSWORD)},\n\t}.AsSha512Mechanism()),\n}\n`,
        "return &tls.Config{RootCAs: roots}",
      ],
    ],
  ])("for %s with %s is a program with the same values", (kind, name, parts) => {
    const text = render(kind, Object.fromEntries(ACCESSES)[name] as ClientAccess);
    for (const part of parts) {
      expect(text).toContain(part);
    }
  });

  test("for Go fetches the package of the login", () => {
    const command = (name: string) =>
      TEMPLATES.go.command({
        ...{ access: Object.fromEntries(ACCESSES)[name] as ClientAccess, topic: "t" },
        ...{ stack: "local", file: "main.go", pemFile: "" },
      });
    expect(command("SSL")).toBe(command("PLAINTEXT"));
    expect(command("SASL_SSL")).toMatch(
      /go get \S+\/kgo@(v\S+) \S+\/sasl\/scram@\1 && go run main\.go$/,
    );
  });
});

/** The value of a JavaScript expression. */
const evaluate = (text: string) => runInThisContext(`(${text})`) as unknown;

describe("escaping", () => {
  const ASCII = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join("");
  const printable = fc.string({ unit: "grapheme-ascii", minLength: 1 });
  const anything = fc.string({ unit: "binary" });
  const base64 = fc.stringMatching(/^[A-Za-z0-9+/]{1,64}$/);
  const pemTexts = fc
    .array(base64, { minLength: 1, maxLength: 30 })
    .map((lines) => pem("CERTIFICATE", lines.join("\n")));
  const examples: [string][] = [[ASCII], [` ${ASCII} `], ["${a:b}"], ["\\"], ['"'], ["\\u0041"]];

  test("for Java's properties is undone by Java", () => {
    const check = (text: string) => {
      expect(javaRead(javaValue(text))).toBe(text);
    };
    fc.assert(fc.property(anything, check), { examples });
    fc.assert(fc.property(pemTexts, check));
    fc.assert(fc.property(anything, (text) => /^[ -~]*$/.test(javaValue(text))));
  });

  test("for a login of Java is undone by Java, and hides it from Spring", () => {
    const check = (text: string) => {
      const quoted = jaasValue(text);
      expect(jaasRead(`password=${quoted};`, "password")).toBe(text);
      expect(quoted).not.toContain("$");
    };
    fc.assert(fc.property(anything, check), { examples });
  });

  test("for a program and for YAML is undone by them", () => {
    const check = (text: string) => {
      expect(evaluate(literal(text))).toBe(text);
      expect(parse(literal(text))).toBe(text);
    };
    fc.assert(fc.property(fc.string({ unit: "grapheme" }), check), { examples });
    fc.assert(fc.property(printable, check));
  });

  test("for kcat either keeps the value or refuses it, and never shows it", () => {
    const check = (text: string) => {
      try {
        expect(kcatRead(kcatLine("sasl.password", text))).toEqual(["sasl.password", text]);
      } catch (error) {
        expect(error).toBeInstanceOf(Refusal);
        expect(/^\s|\s$|\\[:=]|[\n\r\0]/.test(text) || text.length > 497).toBe(true);
      }
    };
    const tricky = fc.string({ unit: fc.constantFrom("\\", ":", "=", " ", "a", "#") });
    fc.assert(fc.property(fc.oneof(printable, tricky, anything), check), { examples });
    check("x".repeat(497));
    check("x".repeat(498));
  });

  test.each<[string, string, string]>([
    ["a ", "kcat", "a space behind it"],
    [" a", "librdkafka", "a space before it"],
    ["a\\:b", "kcat", '"\\:" or "\\="'],
    ["a\\=b", "kcat", '"\\:" or "\\="'],
    ["a\nb", "kcat", "a line end"],
    ["x".repeat(498), "kcat", "more than 497 bytes"],
  ])("for kcat refuses a value: %#", async (value, client, fault) => {
    expect(await refusal(() => kcatLine("sasl.password", value))).toBe(
      `kafkalab: ${client} cannot read sasl.password if the value has ${fault}.\n  Change the value, or use a client that is not built on librdkafka.`,
    );
  });

  test("for Python refuses what librdkafka would change", async () => {
    expect(librdkafkaValue("sasl.password", "a b ")).toBe("a b ");
    const access: ClientAccess = { ...SASL, password: " a", bootstrapServers: SERVERS };
    expect(await refusal(() => render("python", access))).toContain("a space before it");
  });

  test("of whole files keeps every PEM text and every printable password", () => {
    const sample = fc.record({ ca: pemTexts, certificate: pemTexts, password: printable });
    fc.assert(
      fc.property(sample, ({ ca, certificate, password }) => {
        const identity = { certificate, key: IDENTITY.key };
        const access: ClientAccess = {
          ...{ protocol: "SASL_SSL", ca, user: "alice", password, identity },
          bootstrapServers: SERVERS,
        };
        const java = properties(render("java", access), javaRead);
        expect(java).toMatchObject({
          "ssl.truststore.certificates": ca,
          "ssl.keystore.certificate.chain": certificate,
        });
        expect(jaasRead(java["sasl.jaas.config"] ?? "", "password")).toBe(password);
        const [, object = ""] =
          /const connection = (\{.*?\n\});/s.exec(render("node", access)) ?? [];
        expect(evaluate(object)).toMatchObject({
          ...{ tls: { ca, cert: certificate }, sasl: { password } },
        });
        expect(parse(render("spring", access))).toMatchObject({
          spring: { kafka: { ssl: { "trust-store-certificates": ca } } },
        });
      }),
      { numRuns: 50 },
    );
  });
});

describe("standard output", () => {
  test.each<[ClientKind, ClientSecurity, boolean, string | undefined]>([
    ["kcat", { protocol: "PLAINTEXT" }, true, undefined],
    ["java", TLS, false, undefined],
    ["spring", SASL, false, undefined],
    [
      "java",
      TLS,
      true,
      "kafkalab: the configuration contains the private key of the user alice, which a terminal must not show.\n  Create a file that only you can read: npm run client-config -- -s dev --user alice --out client.properties java",
    ],
    [
      "node",
      SASL,
      true,
      "kafkalab: the configuration contains the password of the user alice, which a terminal must not show.\n  Create a file that only you can read: npm run client-config -- -s dev --user alice --out kafkalab-client.mjs node",
    ],
    [
      "kcat",
      SASL,
      false,
      "kafkalab: the kind kcat needs a second file for the certificates (SASL_SSL), and standard output is one.\n  Create a file that only you can read: npm run client-config -- -s dev --user alice --out kcat.conf kcat",
    ],
  ])(
    "has no secret and no half of a configuration: %s, %#",
    async (kind, security, isTTY, text) => {
      const access = { ...security, bootstrapServers: SERVERS };
      const check = () => checkPrintable(kind, TEMPLATES[kind], access, "dev", { isTTY });
      if (text === undefined) {
        expect(check).not.toThrow();
      } else {
        expect(await refusal(check)).toBe(text);
      }
    },
  );
});

describe("the option --out", () => {
  test("creates all files or none", async () => {
    const [one, other] = [join(scratch, "one"), join(scratch, "other")];
    writeFileSync(other, "mine");
    expect(await refusal(() => createFiles({ [one]: "1", [other]: "2" }))).toContain(
      `${other} exists`,
    );
    expect(readdirSync(scratch)).toEqual(["other"]);
    rmSync(other);
    expect(createFiles({ [one]: "1", [other]: "2" })).toEqual([one, other]);
    expect([one, other].map((path) => statSync(path).mode & 0o777)).toEqual([0o600, 0o600]);
    expect(readFileSync(other, "utf8")).toBe("2");
  });
});

describe("client-config", () => {
  /** Runs the command with the outputs of a lab. Returns what it has printed. */
  async function clientConfig(security: SecurityOutput | undefined, ...argv: string[]) {
    const outputs = { clientBootstrapServers: SERVERS, topic: "orders" };
    const state = (clientSecurity: unknown) =>
      stateWith({ ...outputs, ...(security !== undefined && { clientSecurity }) });
    vi.mocked(resourcesInFile).mockReturnValue(state({ ...SECRET, ciphertext: "v1:abc" }));
    vi.mocked(exportedResources).mockReset();
    vi.mocked(exportedResources).mockResolvedValue(
      state({ ...SECRET, plaintext: JSON.stringify(security) }),
    );
    let printed = "";
    for (const stream of [process.stdout, process.stderr]) {
      vi.spyOn(stream, "write").mockImplementation((text) => {
        printed += String(text);
        return true;
      });
    }
    await runCommandLine(["client-config", ...argv]);
    return printed;
  }

  test("decrypts nothing in a lab without security", async () => {
    expect(await clientConfig(undefined, "kcat")).toContain("security.protocol=PLAINTEXT\n");
    expect(exportedResources).not.toHaveBeenCalled();
  });

  test("creates a complete configuration and shows no secret", async () => {
    const file = join(scratch, "my.conf");
    const argv = ["--user", "bob", "--out", file, "kcat"];
    const printed = await clientConfig(SASL_OUTPUT, ...argv);
    expect(exportedResources).toHaveBeenCalledExactlyOnceWith(
      { name: "local", target: "local" },
      "clear",
    );
    expect(printed).toBe(`created ${file}\ncreated ${file}.pem\nTry it: kcat -F ${file} -L\n`);
    const text = readFileSync(file, "utf8");
    expect(text).toContain(`ssl.ca.location=${file}.pem\n`);
    expect(text).toContain(`sasl.password=${PASSWORD}\n`);
    expect(readFileSync(`${file}.pem`, "utf8")).toBe(pemText(SASL_AND_IDENTITY));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(`${file}.pem`).mode & 0o777).toBe(0o600);
  });

  test("creates one file if the client reads PEM texts in it", async () => {
    const file = join(scratch, "client.properties");
    await clientConfig(TLS_OUTPUT, "--user", "alice", "--out", file, "java");
    expect(readdirSync(scratch)).toEqual(["client.properties"]);
  });
});

describe("kcat on a host with a secured lab", () => {
  const SHELLS = ["sh", "bash"];

  test("gets the command as it is without security", () => {
    expect(secured({ protocol: "PLAINTEXT" }, "kcat -L")).toEqual({ script: "kcat -L", input: "" });
  });

  test("has no secret in its command line", () => {
    const { script, input } = secured(SASL_AND_IDENTITY, "kcat -L");
    for (const secret of SECRETS) {
      expect(script).not.toContain(secret);
      expect(input).toContain(secret);
    }
  });

  /** Runs a script as sshd does, and returns what it prints and the directory that it has used. */
  async function runScript(shell: string, script: string, input: string) {
    const child = spawn(shell, ["-c", script]);
    let printed = "";
    child.stdout.on("data", (text: Buffer) => {
      printed += text.toString();
    });
    child.stdin.on("error", () => undefined); // EPIPE: the script does not read it
    child.stdin.end(input);
    const ended = await once(child, "close");
    return { ended, printed };
  }

  test.each(SHELLS)("reads its files from the input of %s, and leaves the rest", async (shell) => {
    const look = 'pwd; stat -c %a . *; cat "$KCAT_CONFIG" kcat.pem; echo rest; cat; exit 3';
    const { script, input } = secured(SASL_AND_IDENTITY, look);
    const { ended, printed } = await runScript(shell, script, `${input}a record\n`);
    const [directory = "", ...lines] = printed.split("\n");
    expect(lines.join("\n")).toBe(
      [
        "700\n600\n600\nsecurity.protocol=SASL_SSL",
        "ssl.endpoint.identification.algorithm=https",
        "ssl.ca.location=kcat.pem\nssl.certificate.location=kcat.pem\nssl.key.location=kcat.pem",
        `sasl.mechanism=SCRAM-SHA-512\nsasl.username=alice\nsasl.password=${PASSWORD}`,
        `${pemText(SASL_AND_IDENTITY)}rest\na record\n`,
      ].join("\n"),
    );
    expect(ended).toEqual([3, null]);
    expect(directory).toMatch(/^\/dev\/shm\/kafkalab\./);
    expect(existsSync(directory)).toBe(false);
  });

  test.each(SHELLS)("leaves no file behind if a signal ends %s", async (shell) => {
    const { script, input } = secured(TLS, "pwd; kill -TERM $$; sleep 1; echo still here");
    const { printed } = await runScript(shell, script, input);
    const [directory = "", ...lines] = printed.split("\n");
    expect(lines).toEqual([""]);
    expect(existsSync(directory)).toBe(false);
  });

  test.each(SHELLS)("never sends its files as records if %s cannot create them", async (shell) => {
    fakeProgram("mktemp", "exit 1");
    const { script, input } = secured(TLS, "cat");
    expect(await runScript(shell, script, input)).toEqual({ ended: [1, null], printed: "" });
  });

  const client = (security: ClientSecurity): RemoteClient => ({
    ...{ host: "peter-kafka01", directory: scratch, servers: "peter-kafka01:9096", security },
  });

  test("gets the records behind the files", async () => {
    fakeProgram("ssh", 'exec sh -c "${@: -1}"');
    fakeProgram(
      "kcat",
      `cat >${scratch}/got; echo "% Message delivered to partition 0 (offset 0) on broker 1" >&2`,
    );
    vi.spyOn(process.stdout, "write").mockReturnValue(true);
    const wanted = { servers: "peter-kafka01:9096", topic: "orders" };
    const input = Readable.from([Buffer.from("a record\n")]);
    expect(await produce(client(SASL), wanted, input)).toBe(0);
    expect(readFileSync(join(scratch, "got"), "utf8")).toBe("a record\n");
  });

  /** A lab with one broker. */
  const lab = (outputs: LabOutputs): ClientLab => ({
    ...{ stack: { name: "local", target: "local" }, isPaused: false, directory: scratch },
    hosts: {
      "peter-kafka01": {
        ...{ names: ["peter-kafka01"], privateIp: "10.20.0.10", publicIp: "", hostKey: "" },
        address: "198.18.0.10",
      },
    },
    outputs: { bootstrapServers: "peter-kafka01:9096", ...outputs },
  });
  const METADATA = JSON.stringify({
    ...{ controllerid: 1, brokers: [{ id: 1 }] },
    topics: [
      {
        topic: "orders",
        partitions: [{ partition: 0, leader: 1, replicas: [{ id: 1 }], isrs: [{ id: 1 }] }],
      },
    ],
  });

  test("connects as the user", async () => {
    fakeProgram("ssh", `cat >${scratch}/input; echo '${METADATA}'`);
    const found = await findClient(lab({ clientSecurity: SASL_OUTPUT }), "orders", "alice");
    expect(found).toEqual(client(SASL));
    expect(readFileSync(join(scratch, "input"), "utf8")).toBe(secured(SASL, "").input);
  });

  test("needs a user", async () => {
    const text = await refusal(() => findClient(lab({ clientSecurity: TLS_OUTPUT }), "orders"));
    expect(text).toContain("and --user names none");
  });

  test("says why the brokers reject the user", async () => {
    const log =
      "%3|1|FAIL|rdkafka#producer-1| [thrd:sasl_ssl://a:9096/bootstrap]: sasl_ssl://a:9096/bootstrap: SASL authentication error: invalid credentials (after 313ms in state AUTH_REQ)";
    fakeProgram("ssh", `cat >/dev/null; echo '${log}' >&2; echo '% ERROR: transport' >&2; exit 1`);
    const text = await refusal(() =>
      findClient(lab({ clientSecurity: SASL_OUTPUT }), "orders", "alice"),
    );
    expect(text).toBe(
      "kafkalab: Kafka does not answer peter-kafka01: SASL authentication error: invalid credentials\n  See the state of the lab: npm run status",
    );
  });

  test("does not say that there is no topic if the user only may not see it", async () => {
    fakeProgram("ssh", `cat >/dev/null; echo '${METADATA}'`);
    const text = await refusal(() =>
      findClient(lab({ clientSecurity: TLS_OUTPUT }), "clicks", "alice"),
    );
    expect(text).toBe(
      "kafkalab: the user alice sees no topic clicks. The topics: orders\n  Declare the topic with the setting kafkalab:topics, allow the user to describe it with kafkalab:acls,\n  then run npm run up.",
    );
  });
});

test.each<[SecurityMode, SecurityOutput | undefined, number]>([
  ["plaintext", undefined, 9095],
  ["tls", TLS_OUTPUT, 9195],
  ["sasl", SASL_OUTPUT, 9197],
])("the tunnel leads to the listener of the mode %s", (mode, clientSecurity, port) => {
  const host = (name: string, privateIp: string) => ({
    ...{ names: [name] as [string], privateIp, publicIp: "", hostKey: "", address: "198.18.0.1" },
  });
  const plan = planTunnel({
    ...{ stack: { name: "local", target: "local" }, isPaused: false },
    hosts: {
      "peter-bastion01": host("peter-bastion01", "10.20.0.200"),
      "peter-kafka01": host("peter-kafka01", "10.20.0.10"),
    },
    outputs: {
      ...{ clientBootstrapServers: "localhost:19092", clientSecurity },
      security: { from: mode, to: mode },
    },
  });
  expect(plan).toMatchObject({ isSecured: port !== 9095, brokerPort: port });
  const argv = tunnelArguments(plan);
  expect(argv).toContain(`localhost:19092:10.20.0.10:${port}`);
  expect(argv.at(-1)).toContain(`/dev/tcp/$address/${port}`);
});
