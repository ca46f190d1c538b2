import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { State } from "../../../local-cloud/machine/store";

const STACK = "urn:pulumi:local::kafkalab";
let scratch: string;
let owner: typeof import("../../../local-cloud/machine/owner");

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "kafkalab-owner-"));
  for (const name of ["here", "other", "no-checkout"]) {
    mkdirSync(join(scratch, name));
  }
  for (const name of ["here", "other"]) {
    writeFileSync(join(scratch, name, "Pulumi.yaml"), "");
  }
  symlinkSync(join(scratch, "here"), join(scratch, "link"));
  process.env.KAFKALAB_LAB = join(scratch, "link/.lab");
  owner = await import("../../../local-cloud/machine/owner.js");
});
afterAll(() => {
  rmSync(scratch, { recursive: true });
});

const stateOf = (directory: string): State => ({
  ...{ nextSequence: 1, records: {}, sysctls: {} },
  owners: {
    [STACK]: { directory: join(scratch, directory), user: "me", since: "2026-01-02T03:04:05.678Z" },
  },
});

test.each([
  ["here", false],
  ["link", false],
  ["gone", false],
  ["no-checkout", false],
  ["other", true],
])("a lab of %s is another checkout's: %s", (directory, foreign) => {
  expect(owner.foreignOwner(stateOf(directory), STACK) !== undefined).toBe(foreign);
  expect(owner.foreignOwner(stateOf(directory), "urn:pulumi:test::kafkalab")).toBeUndefined();
});

test("who has it, since when, and how to mean it are said", () => {
  const found = owner.foreignOwner(stateOf("other"), STACK);
  expect(found && owner.foreign(found)).toEqual({
    message: `this lab belongs to another checkout, ${join(scratch, "other")} (me, since 2026-01-02 03:04 UTC).`,
    remedies: [
      "Use that checkout, or create a separate lab here: KAFKALAB_STATE=DIRECTORY npm run up",
      "To take it over for this checkout: npm run take-over",
    ],
  });
});

test("what is made is this checkout's, without links", () => {
  const state: State = { nextSequence: 1, records: {}, sysctls: {} };
  owner.own(state, STACK);
  expect(state.owners?.[STACK]?.directory).toBe(join(scratch, "here"));
});
