import { join, resolve } from "node:path";
import { ESLint } from "eslint";
import { expect, test } from "vitest";
import { circlesIn, importGraph } from "./support/import-graph";

/*
 * Which folder may import which, as eslint.config.mjs says; and no file imports itself in a circle.
 */

const root = resolve(__dirname, "../..");
const FOLDERS = ["components", "operator", "cli", "local-cloud", "shared"];

// The rules of types need the whole program; the boundaries do not.
const eslint = new ESLint({
  cwd: root,
  ruleFilter: ({ ruleId }) => ruleId === "no-restricted-imports",
  overrideConfig: { languageOptions: { parserOptions: { projectService: false } } },
});

test.each([
  ["components/x.ts", "../local-cloud/machine/paths", false],
  ["components/lib/x.ts", "../../local-cloud/machine/paths", false],
  ["components/x.ts", "../shared/wait", true],
  ["components/x.ts", "../operator/wish", true],
  ["cli/drill/x.ts", "../../operator/kafka/whole", true],
  ["components/x.ts", "@pulumi/aws/ec2", true],
  ["operator/x.ts", "../components/lab", false],
  ["operator/kafka/x.ts", "../../local-cloud/machine/paths", false],
  ["operator/x.ts", "../cli/cost/main", false],
  ["operator/x.ts", "../shared/wait", true],
  ["local-cloud/aws/x.ts", "../../components/lab", false],
  ["local-cloud/aws/x.ts", "../machine/network", true],
  ["local-cloud/machine/x.ts", "../aws/kinds", false],
  ["local-cloud/machine/x.ts", "../../components/lab", false],
  ["local-cloud/machine/x.ts", "./network", true],
  ["local-cloud/machine/x.ts", "../../shared/wait", true],
  ["shared/x.ts", "../components/lab", false],
  ["shared/x.ts", "../operator/host", false],
  ["shared/x.ts", "../cli/cost/main", false],
  ["shared/x.ts", "../local-cloud/machine/paths", false],
  ["shared/x.ts", "./wait", true],
])("%s may import %s: %s", async (file, name, may) => {
  const [result] = await eslint.lintText(`import * as other from "${name}";\nvoid other;\n`, {
    filePath: join(root, file),
  });
  const rules = result?.messages.map(({ ruleId, message }) => ruleId ?? message);
  expect(rules).toEqual(may ? [] : ["no-restricted-imports"]);
});

/** Components name one another's types through this file. */
const SITE = "components/site.ts";

test("no file imports itself in a circle", () => {
  const circles = circlesIn(importGraph(root, FOLDERS));
  expect(circles.filter((circle) => !circle.includes(SITE))).toEqual([]);
});
