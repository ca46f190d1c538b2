import { expect, test } from "vitest";
import { mounts, parseMountinfo } from "../../../local-cloud/machine/mounts";

test("paths are as they are, whatever is in them", () => {
  const text =
    "22 1 254:0 / / rw - ext4 /dev/vda rw\n" +
    "30 22 0:40 / /a\\040b\\134c\\011d\\043e,f:실전 rw shared:1 - overlay kafkalab:0 rw\n";
  expect(parseMountinfo(text)).toEqual([
    { device: "254:0", point: "/" },
    { device: "0:40", point: "/a b\\c\td#e,f:실전" },
  ]);
});

test("this process sees some", () => {
  expect(mounts().map(({ point }) => point)).toContain("/proc");
});
