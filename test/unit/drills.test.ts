import { expect, test } from "vitest";
import { DRILLS } from "../../cli/drill/drills";
import { EXPECTED_OF_DRILLS } from "../support/drills";

test("test/operations/drills.test.ts runs every drill, in the order of the list", () => {
  expect(Object.keys(EXPECTED_OF_DRILLS)).toEqual(DRILLS.map(({ name }) => name));
});
