import { describe, expect, test } from "vitest";
import * as addresses from "../../../local-cloud/machine/addresses";

test("a block is read as its first address and its size", () => {
  expect(addresses.parseCidr("10.0.0.0/16")).toEqual({ base: 167772160, size: 65536, prefix: 16 });
  expect(addresses.parseCidr("0.0.0.0/0")).toEqual({ base: 0, size: 2 ** 32, prefix: 0 });
  expect(addresses.parseCidr("255.255.255.255/32")).toMatchObject({ base: 2 ** 32 - 1, size: 1 });
});

test.each([
  ["10.0.0.0/24", 1, "10.0.0.1"],
  ["10.0.0.0/16", 256, "10.0.1.0"],
  ["10.0.0.0/24", -1, "10.0.0.255"],
  ["200.0.0.0/8", -1, "200.255.255.255"],
])("of %s, address %i is %s", (cidr, offset, address) => {
  expect(addresses.addressAt(cidr, offset)).toBe(address);
});

test.each([
  ["10.0.0.0/16", true],
  ["10.0.0.1/16", false],
  ["10.0.0.1/32", true],
  ["10.0.0.0/33", false],
  ["10.0.0.0", false],
  ["::/0", false],
  ["", false],
])("%j is written with its network address: %s", (cidr, expected) => {
  expect(addresses.isNetwork(cidr)).toBe(expected);
});

describe("two blocks", () => {
  test.each([
    ["10.0.0.0/8", "10.1.0.0/16", true, true],
    ["10.1.0.0/16", "10.0.0.0/8", true, false],
    ["10.0.0.0/24", "10.0.1.0/24", false, false],
    ["10.0.0.0/24", "10.0.0.0/24", true, true],
  ])("%s and %s: overlap %s, contain %s", (a, b, overlap, contain) => {
    expect(addresses.overlaps(a, b)).toBe(overlap);
    expect(addresses.contains(a, b)).toBe(contain);
  });
});

test.each([
  ["10.0.0.1", true],
  ["10.0.1", false],
  ["0x0a.0.0.1", false],
  ["10.0.0.256", false],
])("%s is an address: %s", (text, expected) => {
  expect(addresses.isAddress(text)).toBe(expected);
});
