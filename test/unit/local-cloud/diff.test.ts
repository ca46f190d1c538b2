import { describe, expect, test } from "vitest";
import * as z from "zod";
import { changedProperties, replacing } from "../../../local-cloud/aws/diff";
import { computed, kind, replaces, replacesIf, unordered } from "../../../local-cloud/aws/kind";
import { secret, UNKNOWN } from "../../support/local-cloud";

const optionalNumber = z.number().optional();
const thing = kind({
  token: "aws:test/thing:Thing",
  inputs: {
    name: z.string().optional(),
    chosen: computed(z.string()),
    flag: z.boolean().default(false),
    list: z.array(z.string()).optional(),
    set: unordered(z.array(z.string()).optional()),
    tags: z.record(z.string(), z.string()).optional(),
    object: computed(z.strictObject({ a: computed(z.number()), b: optionalNumber })),
    objects: z.array(z.strictObject({ a: optionalNumber, b: computed(z.number()) })).optional(),
    fixed: replaces(computed(z.string())),
    fixedOnce: replacesIf("flag", unordered(z.string().optional())),
  },
  chosen: {},
});
const changed = (olds: object, news: object) => changedProperties(thing, { ...olds }, { ...news });

describe("no difference", () => {
  test.each([
    ["the same", { name: "a" }, { name: "a" }],
    ["a value that AWS chose", { chosen: "x" }, {}],
    ["a default", { flag: false }, {}],
    ["a default, given", {}, { flag: false }],
    ["nothing and empty", { tags: {} }, {}],
    ["empty and nothing", {}, { list: [], name: "" }],
    ["another order of what has none", { set: ["a", "b"] }, { set: ["b", "a"] }],
    ["what AWS adds to an object", { object: { a: 1, b: 2 } }, { object: { b: 2 } }],
    ["what AWS adds to one of several", { objects: [{ a: 1, b: 2 }] }, { objects: [{ a: 1 }] }],
    ["a secret of the same value", { name: secret("a") }, { name: "a" }],
    ["what is no property", { other: 1 }, { other: 2 }],
  ])("%s", (_, olds, news) => {
    expect(changed(olds, news)).toEqual([]);
  });
});

describe("a difference", () => {
  test.each([
    ["another value", { name: "a" }, { name: "b" }, "name"],
    ["one that is taken away", { name: "a" }, {}, "name"],
    ["another than what AWS chose", { chosen: "x" }, { chosen: "y" }, "chosen"],
    ["not the default", { flag: false }, { flag: true }, "flag"],
    ["the default again", { flag: true }, {}, "flag"],
    ["another order", { list: ["a", "b"] }, { list: ["b", "a"] }, "list"],
    ["one more", { set: ["a"] }, { set: ["a", "b"] }, "set"],
    ["a changed tag", { tags: { a: "1" } }, { tags: { a: "2" } }, "tags"],
    ["no tags any more", { tags: { a: "1" } }, {}, "tags"],
    ["a field", { object: { a: 1, b: 2 } }, { object: { b: 3 } }, "object"],
    ["one of several", { objects: [{ a: 1 }] }, { objects: [{ a: 2 }] }, "objects"],
    ["fewer", { objects: [{ a: 1 }, { a: 2 }] }, { objects: [{ a: 1 }] }, "objects"],
    ["what is not known yet", { name: "a" }, { name: UNKNOWN }, "name"],
  ])("%s", (_, olds, news, property) => {
    expect(changed(olds, news)).toEqual([property]);
  });
});

test("whether a change replaces may depend on another input", () => {
  expect(replacing(thing, "name", {})).toBe(false);
  expect(replacing(thing, "fixed", {})).toBe(true);
  expect(replacing(thing, "fixedOnce", {})).toBe(false);
  expect(replacing(thing, "fixedOnce", { flag: true })).toBe(true);
});
