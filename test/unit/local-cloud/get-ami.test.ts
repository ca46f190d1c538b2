import { expect, test, vi } from "vitest";
import { functions } from "../../../local-cloud/aws/functions";

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
])("a name like %s finds the image: %s", async (pattern, found) => {
  const filters = [{ name: "name", values: ["nothing", pattern] }];
  const look = async () => functions["aws:ec2/getAmi:getAmi"]!({ filters });
  if (found) {
    expect(await look()).toMatchObject({ id: "ami-1", architecture: "x86_64" });
  } else {
    await expect(look()).rejects.toThrow("Your query returned no results");
  }
});

test("all filters must fit, an unknown one never does", async () => {
  const look = async (...filters: [string, string][]) =>
    functions["aws:ec2/getAmi:getAmi"]!({
      filters: filters.map(([name, value]) => ({ name, values: [value] })),
    });
  await expect(look(["architecture", "arm64"], ["name", "*"])).rejects.toThrow();
  await expect(look(["hypervisor", "*"])).rejects.toThrow();
  expect(await look(["architecture", "x86_64"], ["state", "available"])).toBeDefined();
});
