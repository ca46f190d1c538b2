import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { changedKeys, readProperties } from "../../../operator/service/properties";

test("a properties file is its pairs", () => {
  expect([...readProperties("# x=1\na=1\nb.c=x=y\n\nd=\n")]).toEqual([
    ["a", "1"],
    ["b.c", "x=y"],
    ["d", ""],
  ]);
});

describe("changedKeys", () => {
  test("the keys of the lines that differ", () => {
    const [one, other] = ["# Made by\na=1\nb.c=2\nd=x=y\n", "# Made anew by\na=1\nb.c=3\ne=\n"];
    expect(changedKeys(one, other)).toEqual(["b.c", "d", "e"]);
  });

  test("none where only comments and the order differ", () => {
    expect(changedKeys("# x\na=1\nb=2\n", "b=2\n# y\na=1")).toEqual([]);
  });

  test("are the keys whose values differ, either way round", () => {
    const pairs = fc.dictionary(fc.constantFrom("a", "b", "c", "d"), fc.constantFrom("", "1", "="));
    const text = (of: Record<string, string>) =>
      Object.entries(of).map(([key, value]) => `${key}=${value}\n`).join(""); // prettier-ignore
    fc.assert(
      fc.property(pairs, pairs, (one, other) => {
        const expected = ["a", "b", "c", "d"].filter((key) => one[key] !== other[key]);
        expect(changedKeys(text(one), text(other))).toEqual(expected);
        expect(changedKeys(text(other), text(one))).toEqual(expected);
      }),
    );
  });
});
