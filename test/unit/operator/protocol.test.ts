import { describe, expect, test } from "vitest";
import {
  compareVersions,
  protocolOf,
  protocolOfRelease,
  releaseFault,
  versionOf,
  withProtocol,
} from "../../../operator/kafka/protocol";
import type { ServiceFiles } from "../../../operator/service/files";

const of = (protocol: string) =>
  `broker.id=1\ninter.broker.protocol.version=${protocol}\nlog.dirs=x`;
const files = (protocol: string): ServiceFiles => ({
  ...{ release: "kafka_2.13-3.9.1", config: of(protocol), logging: "l", unit: "u" },
});

describe("a protocol", () => {
  test("is read from the configuration", () => {
    expect(protocolOf(of("3.9"))).toBe("3.9");
  });

  test("must be in the configuration", () => {
    const config = "broker.id=1\n# inter.broker.protocol.version=3.9";
    expect(() => protocolOf(config)).toThrow(
      "server.properties must name inter.broker.protocol.version",
    );
  });

  test("replaces another one, and nothing else", () => {
    expect(withProtocol(files("3.9"), "3.8")).toEqual(files("3.8"));
  });

  test("comes with a release", () => {
    expect(protocolOfRelease("kafka_2.13-3.10.1")).toBe("3.10");
    expect(versionOf("kafka_2.13-3.10.1")).toBe("3.10.1");
  });
});

test.each([
  ["3.8", "3.9", -1],
  ["3.9", "3.9", 0],
  ["3.10", "3.9", 1],
  ["4.0", "3.10", 1],
  ["3.9", "3.9.1", -1],
  ["3.9", "3.9.0", 0],
])("compareVersions(%s, %s)", (one, other, sign) => {
  expect(Math.sign(compareVersions(one, other))).toBe(sign);
  expect(Math.sign(compareVersions(other, one))).toBe(0 - sign);
});

describe("releaseFault", () => {
  test.each([["3.8"], ["3.9"], [undefined]])("data of %s takes a release of 3.9", (present) => {
    expect(releaseFault(files("3.9"), present)).toBeUndefined();
  });

  test.each([["3.10"], ["4.0"]])("data of %s refuses a release of 3.9", (present) => {
    expect(releaseFault(files("3.9"), present)).toBe(
      `setting "kafkalab:kafkaVersion": it must be ${present} or later, the ` +
        "inter.broker.protocol.version that is in force here; got 3.9.1, which may not read " +
        "what brokers have written since. Nothing was changed here. Set it to a release of " +
        `${present} or a later one; an older one needs a new lab.`,
    );
  });
});
