import { type Setting } from "./define";
import { GROUPS, SETTINGS } from "./index";

/** The settings in the README: the ones that most readers of the book change. */
const IN_README = SETTINGS.filter(({ name }) =>
  ["running", "brokers", "zookeeperNodes", "kafkaVersion", "brokerConfig", "topics"].includes(name),
);

const WIDTH = 100;
const REWRITE = "npm run test:unit -- settings-reference -u";

/** Explains how to update a file that is generated from the settings. */
export const STALE = `the settings have changed; rewrite the file with: ${REWRITE}`;

/** Renders the section `config` of Pulumi.yaml. */
export function pulumiConfig(): string {
  const lines = SETTINGS.flatMap((setting) => [
    `  kafkalab:${setting.name}:`,
    ...(setting.type === "any"
      ? [`    value: ${yamlValue(setting.default)}`]
      : [
          `    type: ${setting.type}`,
          ...(setting.items === undefined ? [] : ["    items:", `      type: ${setting.items}`]),
          `    default: ${yamlValue(setting.default)}`,
        ]),
    "    description: >-",
    ...folded(summary(setting), WIDTH - 6).map((line) => `      ${line}`),
  ]);
  return ["config:", `  # Written from components/settings by: ${REWRITE}`, ...lines, ""].join(
    "\n",
  );
}

/** Renders the README's table of settings. */
export function readmeTable(): string {
  const rows = IN_README.map(
    ({ name, default: fallback, text, change }) =>
      `| [\`${name}\`](docs/settings.md#${name.toLowerCase()}) | \`${yamlValue(fallback)}\` | ` +
      `${markdown(text)} ${markdown(change)} |`,
  );
  return ["| `kafkalab:…` | default | meaning |", "| --- | --- | --- |", ...rows].join("\n");
}

/** Renders docs/settings.md. */
export function settingsPage(): string {
  const contents = GROUPS.map(
    ({ title, settings }) =>
      `- ${title}: ${settings.map(({ name }) => `[${name}](#${name.toLowerCase()})`).join(", ")}`,
  );
  return [
    "# Settings",
    `<!-- Written from components/settings by: ${REWRITE} -->`,
    INTRODUCTION,
    contents.join("\n"),
    ...GROUPS.flatMap(({ title, settings }) => [`## ${title}`, ...settings.map(entry)]),
    "",
  ]
    .join("\n\n")
    .replace(/\n+$/, "\n");
}

const INTRODUCTION = `All settings of the lab. They are lines of \`Pulumi.local.yaml\` (hosts on this machine) or \`Pulumi.dev.yaml\` (AWS); a setting that is not there has its default. Edit the file, or use Pulumi:

\`\`\`bash
eval "$(npm run -s env)"                          # Puts pulumi on the PATH.
pulumi config set kafkalab:brokers 5 -s local
npm run preview                                   # Shows what would change.
npm run up
\`\`\`

Pulumi checks all settings before it changes anything, and reports all mistakes at once. \`Pulumi.local.yaml\` sets smaller heaps than the defaults, because six hosts share one machine. [differences.md](differences.md#what-restarts-what) says in detail which change restarts what.`;

/** Renders a setting's entry in docs/settings.md. */
function entry(setting: Setting<unknown>): string {
  const { name, type, rule, text, change, example, isSecret } = setting;
  const fallback = setting.computed ?? `\`${yamlValue(setting.default)}\``;
  return [
    `### ${name}`,
    markdown(text),
    markdown(change),
    [
      `- Type: ${type}`,
      `- Default: ${markdown(fallback)}`,
      ...(rule === undefined ? [] : [`- Rule: It must ${markdown(rule)}.`]),
    ].join("\n"),
    [
      "```yaml",
      ...(isSecret === true ? ["# Never write this into the file: the command encrypts it."] : []),
      yamlLines(`kafkalab:${name}`, example),
      "```",
    ].join("\n"),
  ].join("\n\n");
}

/** Renders a setting's description in Pulumi.yaml. */
function summary({ text, computed, rule, change }: Setting<unknown>): string {
  return [
    text,
    ...(computed === undefined ? [] : [`Default: ${computed}.`]),
    ...(rule === undefined ? [] : [`It must ${rule}.`]),
    change,
  ].join(" ");
}

/** A value on one line of YAML. */
function yamlValue(value: unknown): string {
  if (typeof value !== "string") {
    return JSON.stringify(value);
  }
  // Adds quotes only if YAML would not read the text as a string.
  const isWord = /^[A-Za-z][\w./:-]*$/.test(value) && !/^(true|false)$/.test(value);
  const isVersionOrBlock = /^\d+(\.\d+){2,3}(\/\d+)?$/.test(value);
  return isWord || isVersionOrBlock ? value : JSON.stringify(value);
}

/** Renders a key and its value as YAML: one line for each field of an object, or each object of a list. */
function yamlLines(key: string, value: unknown): string {
  if (Array.isArray(value) && value.some((item) => typeof item === "object")) {
    return [`${key}:`, ...value.map((item) => `  - ${flow(item)}`)].join("\n");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return `${key}: ${Array.isArray(value) ? flow(value) : yamlValue(value)}`;
  }
  const lines = Object.entries(value).map(([name, item]) => `  ${name}: ${flow(item)}`);
  return [`${key}:`, ...lines].join("\n");
}

/** Renders a value in YAML's flow style. */
function flow(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(flow).join(", ")}]`;
  }
  if (typeof value === "object" && value !== null) {
    const items = Object.entries(value).map(([name, item]) => `${name}: ${flow(item)}`);
    return `{ ${items.join(", ")} }`;
  }
  return yamlValue(value);
}

/** Wraps a text into lines of at most `width` characters. */
function folded(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${line} ${word}`;
    } else {
      lines.push(word);
    }
  }
  return lines;
}

/** Renders a text as Markdown, also for table cells, with the names of settings as code. */
function markdown(text: string): string {
  return text.replaceAll("|", "\\|").replace(/kafkalab:\w+(?:\.\w+)*/g, "`$&`");
}
