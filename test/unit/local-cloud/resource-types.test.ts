import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { functions } from "../../../local-cloud/aws/functions";
import { resourceTypes } from "../../../local-cloud/aws/resources";
import { LIVES, NEED_HOSTS } from "../../support/local-cloud-lives";
import { T } from "../../support/network";

const TYPES = Object.keys(resourceTypes).sort();

test("every type has a life in the tests, or a test that has hosts", () => {
  const lives = LIVES.map(({ type }) => type);
  expect([...lives, ...Object.keys(NEED_HOSTS)].sort()).toEqual(TYPES);
  const hosts = readFileSync("test/integration/local-cloud/hosts.test.ts", "utf8");
  const titles = Object.values(NEED_HOSTS);
  expect(titles.filter((title) => !hosts.includes(`test("${title}"`))).toEqual([]);
});

test("the tests name every type", () => {
  expect(Object.values(T).sort()).toEqual(TYPES);
});

test("the table in README.md names every type and every look-up", () => {
  const readme = readFileSync("local-cloud/README.md", "utf8");
  const [, section = ""] = readme.split("\n## What it emulates\n");
  const [table = ""] = section.split("\n## ");
  const tokens = [...TYPES, ...Object.keys(functions)];
  expect(tokens.map(programName).filter((name) => !table.includes(`\`${name}\``))).toEqual([]);
});

/** `aws:ec2/vpc:Vpc` is `ec2.Vpc` in a program, and `aws:index/getRegion:getRegion` is `getRegion`. */
function programName(token: string): string {
  const [, module, name] = /^aws:(\w+)\/\w+:(\w+)$/.exec(token) ?? [];
  return module === "index" ? `${name}` : `${module}.${name}`;
}
