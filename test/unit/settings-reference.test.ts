import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { readPins } from "../../components/lib/archive-pins";
import { type Setting } from "../../components/settings/define";
import { readSettings, SETTINGS } from "../../components/settings";
import {
  pulumiConfig,
  readmeTable,
  settingsPage,
  STALE,
} from "../../components/settings/reference";

const ROOT = join(__dirname, "../..");
const read = (file: string) => readFileSync(join(ROOT, file), "utf8");

/** The file must be as the settings have it; `-u` writes it. */
async function expectFile(file: string, text: string): Promise<void> {
  await expect(text, `${file}: ${STALE}`).toMatchFileSnapshot(join(ROOT, file));
}

test("Pulumi.yaml has the settings as they are defined", async () => {
  const text = read("Pulumi.yaml");
  const head = text.slice(0, text.indexOf("\nconfig:\n") + 1);
  expect(head).toMatch(/^name: kafkalab\n/);
  await expectFile("Pulumi.yaml", head + pulumiConfig());
});

test("docs/settings.md has the settings as they are defined", async () => {
  await expectFile("docs/settings.md", settingsPage());
});

test("README's table has the settings as they are defined", async () => {
  const marks = /(<!-- settings -->\n)[^]*(<!-- \/settings -->)/;
  expect(read("README.md")).toMatch(marks);
  const readme = read("README.md").replace(
    marks,
    (_, begin: string, end: string) => `${begin}\n${readmeTable()}\n\n${end}`,
  );
  await expectFile("README.md", readme);
});

test("a YAML reader finds in Pulumi.yaml what the definitions say", () => {
  const { config } = parse(`name: x\n${pulumiConfig()}`) as { config: Record<string, unknown> };
  expect(Object.keys(config)).toEqual(SETTINGS.map(({ name }) => `kafkalab:${name}`));
  for (const { name, type, default: fallback } of SETTINGS) {
    expect(config[`kafkalab:${name}`], name).toMatchObject(
      // Pulumi takes a value without a type as it is.
      type === "any" ? { value: fallback } : { type, default: fallback },
    );
  }
});

const examples = [...settingsPage().matchAll(/```yaml\n([^]*?)\n```/g)].map(
  ([, text = ""]) => text,
);

test("docs/settings.md has an example for each setting", () => {
  expect(examples).toHaveLength(SETTINGS.length);
});

test.each(examples)("the example is a sound setting: %s", (text) => {
  const needed = {
    "kafkalab:target": "aws",
    "kafkalab:sshAllowedCidrs": '["203.0.113.7/32"]',
    "kafkalab:users": '["alice","bob"]',
    "kafkalab:security": "tls",
  };
  const [[key, value] = ["", ""]] = Object.entries(parse(text) as Record<string, unknown>);
  const raw = typeof value === "string" ? value : JSON.stringify(value);
  expect(readSettings({ ...needed, [key]: raw }, readPins(), "x86_64").faults).toEqual([]);
  const setting = SETTINGS.find(({ name }) => `kafkalab:${name}` === key);
  expect(value).toEqual(setting?.example);
});

test("each text is made of sentences", () => {
  for (const { name, text, change, rule = "be" } of SETTINGS as readonly Setting<unknown>[]) {
    for (const sentences of [text, change]) {
      expect(sentences, name).toMatch(/^\S[^]*\.$/);
    }
    expect(rule, name).toMatch(/^(be|hold|have) ?/);
    expect(rule, name).not.toMatch(/\.$/);
  }
});
