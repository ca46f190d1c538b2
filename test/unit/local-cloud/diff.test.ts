import { describe, expect, test } from "vitest";
import { changedProperties, replacing } from "../../../local-cloud/aws/diff";
import type { ResourceType, Schema } from "../../../local-cloud/aws/resource";
import { secret, UNKNOWN } from "../../support/local-cloud";

const schema: Schema = {
  name: { type: "string" },
  chosen: { type: "string", computed: true },
  flag: { type: "boolean", default: false },
  list: { type: "strings" },
  set: { type: "strings", unordered: true },
  tags: { type: "map" },
  object: { type: "object", computed: true, fields: { a: { type: "number", computed: true }, b: { type: "number" } } },
  objects: { type: "objects", fields: { a: { type: "number" }, b: { type: "number", computed: true } } },
}; // prettier-ignore
const changed = (olds: object, news: object) =>
  changedProperties({ schema } as ResourceType, { ...olds }, { ...news });

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
  const replace = (inputs: object) => "always" in inputs;
  expect(replacing({ type: "string" }, {})).toBe(false);
  expect(replacing({ type: "string", replace: true }, {})).toBe(true);
  expect(replacing({ type: "string", replace }, {})).toBe(false);
  expect(replacing({ type: "string", replace }, { always: true })).toBe(true);
});
