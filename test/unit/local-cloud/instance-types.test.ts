import { expect, test } from "vitest";
import { architectureOf } from "../../../local-cloud/aws/instance-types";

test.each([
  ["t3.small", "x86_64"],
  ["m6i.xlarge", "x86_64"],
  ["t4g.nano", "arm64"],
  ["r7g.metal", "arm64"],
  ["t3.4xlarge", undefined],
  ["m5.nano", undefined],
  ["z9.large", undefined],
  ["t3", undefined],
  ["", undefined],
])("%j runs on %s", (type, architecture) => {
  expect(architectureOf(type)).toBe(architecture);
});
