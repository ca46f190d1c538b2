import { describe, expect, test } from "vitest";
import { CLIENT_FILES, clientFiles, type SecuredAccess } from "../../bench/kafka/client-files";
import type { Samples } from "../../bench/part";
import { security, settingsOf } from "../../bench/parts/security";
import { readPins } from "../../components/lib/archive-pins";
import { type Security, SECURITY_MODES, securityStages } from "../../components/lib/kafka-security";
import { readSettings } from "../../components/settings";

const SECURED = ["tls", "sasl"] as const;
const LABS: Security[] = [
  ...SECURED.map((to): Security => ({ from: "plaintext", to })),
  ...SECURITY_MODES.map((mode): Security => ({ from: mode, to: mode })),
];

describe("the labs of the part security", () => {
  test.each(LABS)("have settings that the program accepts: from $from to $to", (lab) => {
    const raw = Object.entries(settingsOf(lab)).map(([name, value]) => [
      name,
      typeof value === "string" ? value : JSON.stringify(value),
    ]);
    const { settings, faults } = readSettings(
      Object.fromEntries(raw) as Record<string, string>,
      readPins(),
    );
    expect(faults).toEqual([]);
    expect(settings.security).toEqual(lab);
  });

  test.each(SECURED)("replicate over TLS while they serve plaintext and %s", (to) => {
    expect(securityStages({ from: "plaintext", to }).at(-1)).toMatchObject({
      modes: ["plaintext", to],
      replicatesOverTls: true,
    });
  });
});

describe("a client's files", () => {
  const pem = (name: string) => `-----BEGIN ${name}-----\nAAAA\n-----END ${name}-----\n`;
  const ca = pem("CERTIFICATE");
  const common = { bootstrapServers: "a:9093,b:9093", user: "bench", ca };
  const identity = { certificate: ca, key: pem("PRIVATE KEY") };
  const namesIn = (text = "") =>
    text
      .trimEnd()
      .split("\n")
      .map((line) => line.slice(0, line.indexOf("=")));

  test.each<[SecuredAccess, string[], string]>([
    [
      { ...common, protocol: "SSL", identity },
      ["ssl.keystore.type", "ssl.keystore.certificate.chain", "ssl.keystore.key"],
      `ssl.key.location=${CLIENT_FILES}/kcat.pem\n`,
    ],
    [
      { ...common, protocol: "SASL_SSL", password: "not a real password" },
      ["sasl.mechanism", "sasl.jaas.config"],
      "sasl.password=not a real password\n",
    ],
  ])("contain the connection and nothing else", (access, own, line) => {
    const files = clientFiles(access);
    expect(Object.keys(files)).toEqual(["client.properties", "kcat.conf", "kcat.pem"]);
    // Without the files, a client has Kafka's defaults for everything else.
    expect(namesIn(files["client.properties"])).toEqual([
      "bootstrap.servers",
      "security.protocol",
      "ssl.truststore.type",
      "ssl.truststore.certificates",
      ...own,
    ]);
    expect(files["kcat.conf"]).toContain(`ssl.ca.location=${CLIENT_FILES}/kcat.pem\n`);
    expect(files["kcat.conf"]).toContain(line);
    expect(files["kcat.pem"]).toContain(ca);
  });
});

describe("the report of the part security", () => {
  /** The rows of a lab's mode. Both sizes have the same rates, and a consumer has ten times a producer's. */
  const rates = (lab: string, mode: string, produced: number[]): Samples =>
    Object.fromEntries(
      ["100:all:1", "1024:all:1"].flatMap((one) => [
        [`${lab} lab, ${mode} ${one} produced`, produced],
        [`${lab} lab, ${mode} ${one} consumed`, produced.map((each) => 10 * each)],
      ]),
    );
  const rows = (samples: Samples) => security.report(samples).split("\n");

  test("has the cost of each mode, of pairs in one lab and of pairs of labs", () => {
    const lines = rows({
      ...rates("plaintext+tls", "plaintext", [1000, 2000, 4000]),
      ...rates("plaintext+tls", "tls", [500, 2000, 4000]),
      ...rates("plaintext", "plaintext", [2000]),
      ...rates("sasl", "sasl", [1500]),
    });
    // The mean of 0.5, 1 and 1 is 0.794; estimateRatio has its own test.
    expect(lines).toContain(
      "| tls, all sizes |  |  | 20.6 % (-114.5 to 70.6) |  |  | 20.6 % (-114.5 to 70.6) | 3 |",
    );
    expect(lines).toContain(
      "| tls, 100 B | 2.0 k (0.2 MB/s) | 2.0 k (0.2 MB/s) | 20.6 % (-114.5 to 70.6) | 20.0 k (2.0 MB/s) | 20.0 k (2.0 MB/s) | 20.6 % (-114.5 to 70.6) | 3 |",
    );
    expect(lines).toContain(
      "| sasl, all sizes |  |  | 25.0 % (no interval) |  |  | 25.0 % (no interval) | 1 |",
    );
  });

  test("says what was not measured, and leaves out half a pair", () => {
    const lines = rows({
      ...rates("plaintext+sasl", "plaintext", [1000, 1000]),
      ...rates("plaintext+sasl", "sasl", [900]),
    });
    expect(lines).toContain(
      "| sasl, all sizes |  |  | 10.0 % (no interval) |  |  | 10.0 % (no interval) | 1 |",
    );
    expect(lines).toContain("| tls, all sizes |  |  | not measured |  |  | not measured | 0 |");
  });
});
