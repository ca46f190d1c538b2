import { expect, test } from "vitest";
import { conceal, containsUnknown, reveal } from "../../../local-cloud/aws/values";
import { secret, UNKNOWN } from "../../support/local-cloud";

test("secrets are revealed at any depth", () => {
  const value = { a: secret({ b: [secret("c")] }), d: [{ e: secret(1) }], f: null };
  expect(reveal(value)).toEqual({ a: { b: ["c"] }, d: [{ e: 1 }], f: null });
});

test("what was secret, in whole or in part, is concealed again, and nothing else", () => {
  const like = { whole: secret("x"), part: { a: [secret("x")] }, open: "x" };
  expect(conceal({ whole: 1, part: { a: 2 }, open: 3, other: 4 }, like)).toEqual({
    whole: secret(1),
    part: secret({ a: 2 }),
    open: 3,
    other: 4,
  });
});

test.each([
  [UNKNOWN, true],
  [{ a: [{ b: UNKNOWN }] }, true],
  [{ a: ["known"] }, false],
  [null, false],
])("%j contains an unknown value: %s", (value, expected) => {
  expect(containsUnknown(value)).toBe(expected);
});
