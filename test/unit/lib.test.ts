import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import * as archives from "../../components/lib/archive-pins";
import { readTopicKeys } from "../../components/lib/kafka-keys";
import { readInstanceType } from "../../components/lib/instance-types";
import { firstOf, fullNames, hostName } from "../../components/lib/names";
import { fingerprint } from "../../components/lib/scripts";
import { renderScript } from "../../shared/remote-script";
import { shellQuote } from "../../shared/quote";
import { readVariables } from "./support/script";
import { nearest } from "../../components/settings/spelling";

describe("names", () => {
  test.each([
    ["zookeeper", 1, "peter-zk01"],
    ["kafka", 12, "peter-kafka12"],
    ["kafka", 300, "peter-kafka300"],
  ] as const)("%s %i", (role, ordinal, name) => {
    expect(hostName(role, ordinal)).toBe(name);
  });

  test("full names", () => {
    expect(fullNames("zookeeper", 2, "foo.bar")).toEqual([
      "peter-zk01.foo.bar",
      "peter-zk02.foo.bar",
    ]);
  });

  test("the first of nothing is a mistake of the program", () => {
    expect(() => firstOf([])).toThrow("one item or more is needed");
  });
});

describe("instance types", () => {
  test.each([
    ["t3.small", "x86_64", 2],
    ["t4g.medium", "arm64", 4],
    ["m5.large", "x86_64", 8],
    ["c5.9xlarge", "x86_64", 72],
    ["m7g.medium", "arm64", 4],
    ["r6i.2xlarge", "x86_64", 64],
    ["i4i.large", "x86_64", undefined],
    ["im4gn.large", "arm64", undefined],
    ["c7i-flex.large", "x86_64", undefined],
  ])("%s", (name, architecture, memoryGiB) => {
    expect(readInstanceType(name)).toEqual({ architecture, memoryGiB });
  });

  test.each([
    ["medium", "be an EC2 instance type such as t3.medium"],
    ["t2.medium", "be a type on Nitro, where a data volume is found by its volume id"],
    [
      "t3.huge",
      "be a size that the t3 family has (nano, micro, small, medium, large, xlarge, 2xlarge)",
    ],
  ])("%s must %s", (name, rule) => {
    expect(readInstanceType(name)).toBe(rule);
  });
});

describe("scripts", () => {
  test.each(["plain", "it's", "a\nb\n", '$HOME `id` "x" \\', ""])(
    "a shell reads %j back",
    (value) => {
      const text = execFileSync("bash", ["-c", `printf '%s' ${shellQuote(value)}`]);
      expect(text.toString()).toBe(value);
    },
  );

  test("variables come before the files, and no line is a comment but the first", () => {
    const script = renderScript(["common.sh", "install.sh"], { HOST: "a b" });
    expect(script.startsWith("#!/bin/bash\nHOST='a b'\nset -euo pipefail\n")).toBe(true);
    expect(script.match(/^\s*#.*/gm)).toEqual(["#!/bin/bash"]);
  });

  test("of a script that is for a host, no test runs more than its variables", () => {
    const rest = "set -euo pipefail\nA=changed\n";
    expect(readVariables(`#!/bin/bash\nA='as given'\n${rest}`, ["A"])).toBe("as given|");
    expect(() => readVariables("#!/bin/bash\nA='as given'\nA=changed\n", ["A"])).toThrow(
      'the script must have the line "set -euo pipefail"',
    );
  });

  test("a fingerprint tells lists from texts", () => {
    expect(fingerprint("a", "b")).not.toBe(fingerprint("ab"));
    expect(fingerprint("a", "b")).toBe(fingerprint("a", "b"));
  });
});

describe("archives", () => {
  const pins = archives.readPins();

  test.each(["kafka", "zookeeper"] as const)("every %s archive is pinned", (product) => {
    for (const [version, list] of Object.entries(pins[product])) {
      expect(list.length).toBeGreaterThan(0);
      for (const { file, sha512 } of list) {
        expect(file).toContain(archives.directoryName(product, version));
        expect(sha512).toMatch(/^[0-9a-f]{128}$/);
      }
    }
  });

  const list = [
    { file: "a.tgz", sha512: "1", origin: "apache" as const },
    { file: "a-maven.tar", sha512: "2", origin: "maven" as const },
  ];

  test("a user's server is asked alone, for each form, at the paths of Apache's servers", () => {
    expect(archives.candidateLines("http://h", "kafka", "3.9.1", list)).toBe(
      "http://h/kafka/3.9.1/a.tgz 1\nhttp://h/kafka/3.9.1/a-maven.tar 2",
    );
    expect(archives.candidateLines("http://h", "zookeeper", "3.8.4", list.slice(0, 1))).toBe(
      "http://h/zookeeper/zookeeper-3.8.4/a.tgz 1",
    );
  });

  test("by default the mirror network comes first, then the archive, without packed forms", () => {
    expect(archives.candidateLines("", "kafka", "3.9.1", list)).toBe(
      "https://dlcdn.apache.org/kafka/3.9.1/a.tgz 1\n" +
        "https://archive.apache.org/dist/kafka/3.9.1/a.tgz 1",
    );
  });

  test("every version has a table of its topics' settings", () => {
    for (const version of Object.keys(pins.kafka)) {
      expect(readTopicKeys(version), version).toEqual(
        expect.arrayContaining(["preallocate", "retention.ms"]),
      );
    }
  });
});

test.each([
  ["broker", "brokers"],
  ["Brokers", "brokers"],
  ["zookeperNodes", "zookeeperNodes"],
  ["somethingElse", undefined],
])("%s is close to %s", (name, near) => {
  expect(nearest(name, ["brokers", "zookeeperNodes", "domain"])).toBe(near);
});
