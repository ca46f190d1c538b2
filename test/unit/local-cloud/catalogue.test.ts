import { expect, test, vi } from "vitest";
import { functions } from "../../../local-cloud/aws/functions";
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

vi.mock("../../../local-cloud/machine/image", () => ({
  image: () => ({ amiId: "ami-1", name: "debian-12-amd64-1", architecture: "x86_64", created: "" }),
}));

test.each([
  ["debian-12-amd64-*", true],
  ["debian-1?-*", true],
  ["debian-12-amd64-1", true],
  ["debian-12", false],
  ["debian.12.*", false],
  ["*(1", false],
])("getAmi: a name like %s finds the image: %s", async (pattern, found) => {
  const filters = [{ name: "name", values: ["nothing", pattern] }];
  const look = async () => functions["aws:ec2/getAmi:getAmi"]!({ filters });
  if (found) {
    expect(await look()).toMatchObject({ id: "ami-1", architecture: "x86_64" });
  } else {
    await expect(look()).rejects.toThrow("Your query returned no results");
  }
});

test("getAmi: all filters must fit, an unknown one never does", async () => {
  const look = async (...filters: [string, string][]) =>
    functions["aws:ec2/getAmi:getAmi"]!({
      filters: filters.map(([name, value]) => ({ name, values: [value] })),
    });
  await expect(look(["architecture", "arm64"], ["name", "*"])).rejects.toThrow();
  await expect(look(["hypervisor", "*"])).rejects.toThrow();
  expect(await look(["architecture", "x86_64"], ["state", "available"])).toBeDefined();
});
