import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DRILLS } from "../../cli/drill/drills";

const ROOT = join(__dirname, "../..");
const read = (file: string) => readFileSync(join(ROOT, file), "utf8");

/** The documents that exist in Korean as well. */
const TRANSLATED = [
  "README.md",
  "docs/clients.md",
  "docs/guide.md",
  "docs/usage.md",
  "docs/troubleshooting.md",
];
const korean = (file: string) => file.replace(/\.md$/, ".ko.md");

test("README and the documents name no command that there is not", () => {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  const named = [
    "CONTRIBUTING.md",
    "docs/aws.md",
    ...TRANSLATED,
    ...TRANSLATED.map(korean),
  ].flatMap((file) =>
    [...read(file).matchAll(/npm run (?:-s )?([a-z:-]+)/g)].map((match) => match[1]),
  );
  expect(named.length).toBeGreaterThan(10);
  expect([...new Set(named)].filter((name) => !(name !== undefined && name in scripts))).toEqual(
    [],
  );
});

test.each(TRANSLATED)("%s and its Korean version have the same structure and commands", (file) => {
  expect(structure(read(korean(file)))).toEqual(structure(read(file)));
});

test.each([
  ["docs/guide.md", "drill"],
  ["docs/guide.ko.md", "훈련"],
])("%s explains every drill, in the order of the list", (file, head) => {
  const names = firstCells(read(file), head).map((cell) => cell.replaceAll("`", ""));
  expect(names).toEqual(DRILLS.map(({ name }) => name));
});

/** The first cell of each row of the table whose first column has this head. */
function firstCells(text: string, head: string): string[] {
  const lines = text.split("\n");
  const table = lines.slice(lines.findIndex((line) => line.startsWith(`| ${head} |`)));
  const end = table.findIndex((line) => !line.startsWith("|"));
  return table.slice(2, end).map((row) => row.slice(2, row.indexOf(" |")));
}

/** The levels of a document's headings, and its code without comments. */
function structure(text: string): string[] {
  const parts = [...text.matchAll(/^```[^]*?^```|^#+ /gm)].map(([part]) => part);
  return parts.map((part) => part.replace(/ *# .*$/gm, ""));
}
