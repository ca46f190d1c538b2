import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isSetUpNeeded } from "../../cli/lib/setup";
import { defaultReleases, readStackFile, releasesNamed } from "../../cli/lib/stack-file";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "kafkalab-settings-"));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

const read = (text: string) => readStackFile(text, "Pulumi.x.yaml");

describe("a stack's file is read as YAML", () => {
  test.each([
    ["with a comment", "config:\n  kafkalab:kafkaVersion: 3.8.1  # as in production\n"],
    ["in double quotes", 'config:\n  kafkalab:kafkaVersion: "3.8.1"\n'],
    ["in single quotes, and the key in quotes", "config:\n  'kafkalab:kafkaVersion': '3.8.1'\n"],
    ["in one line", "config: {kafkalab:kafkaVersion: 3.8.1}\n"],
    ["in JSON", '{"config": {"kafkalab:kafkaVersion": "3.8.1"}}'],
    ["with other indents", "config:\n      kafkalab:kafkaVersion:\n        3.8.1\n"],
    ["without the project", "config:\n  kafkaVersion: 3.8.1\n"],
    ["by an alias", "x: &v 3.8.1\nconfig:\n  kafkalab:kafkaVersion: *v\n"],
  ])("%s", (_, text) => {
    expect(read(text)).toEqual({ target: "local", versions: { kafka: "3.8.1" } });
  });

  test("a version keeps its digits", () => {
    expect(read("config:\n  kafkalab:kafkaVersion: 3.10\n").versions.kafka).toBe("3.10");
  });

  test.each([
    ["config:\n  kafkalab:target: aws # there\n", "aws"],
    ["config: { 'kafkalab:target': 'aws' }\n", "aws"],
    ["config:\n  # kafkalab:target: aws\n  kafkalab:target: local\n", "local"],
    ["config:\n  aws:region: x\n", "local"],
    ["", "local"],
  ])("%j is of the target %s", (text, target) => {
    expect(read(text).target).toBe(target);
  });

  test("what is no YAML is refused by name", () => {
    expect(() => read("config: [")).toThrow(/^Pulumi\.x\.yaml: it must be YAML; got: /);
  });
});

describe("the releases that settings name", () => {
  const FILE = "config:\n  kafkalab:kafkaVersion: 3.8.1\n  kafkalab:zookeeperVersion: 3.8.3\n";
  beforeEach(() => {
    writeFileSync(join(directory, "Pulumi.local.yaml"), FILE);
    writeFileSync(join(directory, "other.yaml"), "config:\n  kafkalab:kafkaVersion: 3.9.0 # new\n");
  });

  const own = ["kafka-3.8.1", "zookeeper-3.8.3"];
  test.each<[string[], string[]]>([
    [[], own],
    [["--diff", "--target", "x"], own],
    [["--config-file", "OTHER"], ["kafka-3.9.0"]],
    [["--config-file=OTHER"], ["kafka-3.9.0"]],
    [
      ["--config", "kafkalab:kafkaVersion=3.9.0"],
      [...own, "kafka-3.9.0"],
    ],
    [['--config=kafkalab:zookeeperVersion="3.8.4"'], [...own, "zookeeper-3.8.4"]],
    [["-c", "kafkalab:kafkaVersion=$(id)"], own],
  ])("%j", (flags, releases) => {
    const named = flags.map((flag) => flag.replace("OTHER", join(directory, "other.yaml")));
    expect(releasesNamed("local", directory, named)).toEqual(releases);
  });

  test("a stack without a file names none", () => {
    expect(releasesNamed("new", directory, [])).toEqual([]);
  });

  test("the defaults are those of Pulumi.yaml", () => {
    const defaults = defaultReleases(readFileSync("Pulumi.yaml", "utf8"));
    expect(defaults).toEqual([
      expect.stringMatching(/^kafka-3\.\d+\.\d+$/),
      expect.stringMatching(/^zookeeper-3\.\d+\.\d+$/),
    ]);
  });
});

test.each<[string | undefined, "npm" | "lab" | "tools" | "check", string[], boolean]>([
  ["lab", "lab", [], false],
  ["lab", "lab", ["kafka-3.9.1"], false],
  ["lab", "lab", ["kafka-3.8.1"], true],
  ["npm", "lab", [], true],
  ["lab", "tools", [], true],
  ["test", "lab", [], false],
  ["lab", "npm", [], false],
  [undefined, "npm", [], true],
])("after a set-up of %s, %s with %j needs another one: %s", (made, wanted, releases, needed) => {
  expect(isSetUpNeeded(made, wanted, releases, ["kafka-3.9.1"])).toBe(needed);
});
