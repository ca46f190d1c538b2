import { describe, expect, test } from "vitest";
import * as z from "zod";
import { checkProperties } from "../../../local-cloud/aws/check";
import { computed, kind } from "../../../local-cloud/aws/kind";
import { UNKNOWN } from "../../support/local-cloud";

const thing = kind({
  token: "aws:test/thing:Thing",
  inputs: {
    name: z.string().refine((name) => name !== "bad", "must not be bad"),
    count: computed(z.number()),
    flag: z.boolean().default(false),
    colour: z.enum(["red", "blue"]).optional(),
    list: z
      .array(z.string())
      .refine((items) => items.length < 3, "must have two items at most")
      .optional(),
    tags: z.record(z.string(), z.string()).optional(),
    object: z.strictObject({ a: z.number(), b: computed(z.string()) }).optional(),
    objects: z.array(z.strictObject({ a: z.number() })).optional(),
  },
  chosen: {},
});
const faults = (inputs: object) =>
  checkProperties(thing, { name: "x", ...inputs }).map(
    ({ property, reason }) => `${property} ${reason}`,
  );

describe("no fault", () => {
  test.each([
    ["all of them", { count: 1, flag: true, list: ["a"], tags: { a: "b" }, object: { a: 1 } }],
    ["null, which Pulumi means as absent", { count: null, object: { a: 1, b: null } }],
    ["Pulumi's own marks", { __defaults: ["name"], object: { a: 1, __defaults: [] } }],
    ["values that are not known yet", { name: UNKNOWN, count: UNKNOWN, colour: UNKNOWN }],
    ["objects that are not known yet", { object: UNKNOWN, objects: [{ a: UNKNOWN }], tags: UNKNOWN }],
    ["a list with an item that is not known yet", { list: [UNKNOWN, "a", "b"] }],
  ])("%s", (_, inputs) => {
    expect(faults(inputs)).toEqual([]);
  }); // prettier-ignore
});

describe("a fault", () => {
  const known = "it knows colour, count, flag, list, name, object, objects, tags";
  test.each([
    [{ nam: 1 }, `nam is not a property that the local cloud knows; ${known}`],
    [{ toString: "x" }, `toString is not a property that the local cloud knows; ${known}`],
    [{ name: undefined }, "name is required"],
    [{ name: null }, "name is required"],
    [{ name: 1 }, "name must be a string; got 1"],
    [{ name: "bad" }, 'name must not be bad; got "bad"'],
    [{ count: "1" }, 'count must be a number; got "1"'],
    [{ flag: "true" }, 'flag must be a boolean; got "true"'],
    [{ colour: "green" }, 'colour must be one of red, blue; got "green"'],
    [{ colour: 1 }, "colour must be a string; got 1"],
    [{ list: "a" }, 'list must be a list of strings; got "a"'],
    [{ list: ["a", 1] }, 'list must be a list of strings; got ["a",1]'],
    [{ list: ["a", "b", "c"] }, 'list must have two items at most; got ["a","b","c"]'],
    [{ tags: ["a"] }, 'tags must be a map of strings; got ["a"]'],
    [{ tags: { a: 1 } }, 'tags must be a map of strings; got {"a":1}'],
    [{ object: 1 }, "object must be an object; got 1"],
    [{ object: {} }, "object.a is required"],
    [{ object: { a: "1" } }, 'object.a must be a number; got "1"'],
    [{ object: { a: 1, c: 1 } }, "object.c is not a property that the local cloud knows; it knows a, b"],
    [{ objects: { a: 1 } }, 'objects must be a list of objects; got {"a":1}'],
    [{ objects: [1] }, "objects must be a list of objects; got [1]"],
    [{ objects: [{ a: 1 }, { a: "1" }] }, 'objects[1].a must be a number; got "1"'],
  ])("%j: %s", (inputs, fault) => {
    expect(faults(inputs)).toEqual([fault]);
  }); // prettier-ignore
});
