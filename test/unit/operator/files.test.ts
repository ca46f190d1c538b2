import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  noteOf,
  secretFile,
  secretLines,
  type ServiceFiles,
} from "../../../operator/service/files";

const FILES: ServiceFiles = {
  ...{ release: "kafka_2.13-3.9.1", config: "# Made by\na=1\nb=2", logging: "l", unit: "u" },
};

describe("noteOf", () => {
  test("names the release, and is one line", () => {
    expect(noteOf(FILES)).toMatch(/^kafka_2\.13-3\.9\.1 [0-9a-f]{64}$/);
  });

  test.each([
    ["another comment", "# Made later by\na=1\nb=2"],
    ["no comment", "a=1\nb=2"],
    ["a comment more", "# Made by\na=1\n# a=2\nb=2"],
  ])("is the same with %s in the configuration", (_, config) => {
    expect(noteOf({ ...FILES, config })).toBe(noteOf(FILES));
  });

  test("differs with each file", () => {
    const others: ServiceFiles[] = [
      FILES,
      { ...FILES, release: "kafka_2.13-3.9.2" },
      { ...FILES, config: "# Made by\na=1\nb=3" },
      { ...FILES, logging: "# l" },
      { ...FILES, unit: "# u" },
      { ...FILES, logging: "u", unit: "l" },
    ];
    expect(new Set(others.map(noteOf)).size).toBe(others.length);
  });

  test("is the same with another secret, whose path decides", () => {
    expect(noteOf({ ...FILES, secrets: { "/etc/a": "b" } })).toBe(noteOf(FILES));
  });

  test("two are the same only if all but the comments is", () => {
    const text = fc.constantFrom("", "a=1", "# x", "a=1\n# x", "# x\na=1", "a=1\n", "a=1\na=1");
    const files = fc.record({
      release: fc.constantFrom("r-1", "r-2"),
      ...{ config: text, logging: text, unit: text },
    });
    const without = (config: string) => config.split("\n").filter((line) => !/^#/.test(line));
    const alike = (one: ServiceFiles, other: ServiceFiles) =>
      JSON.stringify({ ...one, config: without(one.config) }) ===
      JSON.stringify({ ...other, config: without(other.config) });
    fc.assert(
      fc.property(files, files, (one, other) => {
        expect(noteOf(one) === noteOf(other)).toBe(alike(one, other));
      }),
      { numRuns: 300 },
    );
  });
});

describe("a file that holds a secret", () => {
  test("has a path by its text", () => {
    const path = secretFile("kafka-server", "jaas", ".conf", "secret");
    expect(path).toMatch(/^\/etc\/kafkalab\/kafka-server\.secrets\/jaas-[0-9a-f]{16}\.conf$/);
    expect(secretFile("kafka-server", "jaas", ".conf", "secret")).toBe(path);
    expect(secretFile("kafka-server", "jaas", ".conf", "other")).not.toBe(path);
  });

  test("is one line for a script, and none are no lines", () => {
    expect(secretLines({ "/etc/a": "1\n2\n", "/etc/b": "한국" })).toBe(
      "/etc/a MQoyCg==\n/etc/b 7ZWc6rWt",
    );
    expect(secretLines()).toBe("");
  });
});
