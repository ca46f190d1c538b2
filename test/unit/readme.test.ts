import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(__dirname, "../..");
const read = (file: string) => readFileSync(join(ROOT, file), "utf8");

test("README and the guide name no command that there is not", () => {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  const named = ["README.md", "CONTRIBUTING.md", "docs/guide.md", "docs/aws.md"].flatMap((file) =>
    [...read(file).matchAll(/npm run (?:-s )?([a-z:-]+)/g)].map((match) => match[1]),
  );
  expect(named.length).toBeGreaterThan(10);
  expect([...new Set(named)].filter((name) => !(name !== undefined && name in scripts))).toEqual(
    [],
  );
});
