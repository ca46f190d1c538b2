import { Argument } from "commander";
import { clientAccess } from "../clients/access";
import { pemText } from "../clients/connection";
import { openOutputs } from "../clients/lab";
import { topicName, userOption } from "../clients/options";
import { createFiles, fullPath } from "../clients/output-file";
import { checkPrintable } from "../clients/secret-output";
import { type ClientKind, TEMPLATES } from "../clients/templates";
import { remarks, renderTemplate, type Template } from "../clients/templates/template";
import { topicOf } from "../clients/topic";
import { shellQuote } from "../../shared/quote";
import { type LabCommand, stackOption } from "../lib/command";
import { tell } from "../lib/output";

interface Options {
  stack: string;
  out?: string;
  topic?: string;
  user?: string;
}

const kinds = Object.keys(TEMPLATES);

/** A file name as a word of a command. */
const shellWord = (name: string) => (/^[\w./-]+$/.test(name) ? name : shellQuote(name));

export const command: LabCommand = {
  summary: "print a file with which a client of your own connects to the lab",
  examples: [
    "npm run -s client-config -- python",
    "npm run -s client-config -- java --out client.properties",
    "npm run -s client-config -- kcat >~/.config/kcat.conf",
    "npm run -s client-config -- --user alice java --out client.properties",
  ],
  define(command, act) {
    const list = Object.entries(TEMPLATES).map(
      ([kind, { summary }]) => `  ${kind.padEnd(12)}${summary}`,
    );
    command
      .addOption(stackOption())
      .addOption(userOption())
      .addArgument(new Argument("[kind]", "the kind of client").choices(kinds).default("java"))
      .option("--out <file>", "create this file instead; an existing file is never overwritten")
      .option(
        "--topic <topic>",
        "the topic of the example, if not that of the smoke test",
        topicName,
      )
      .addHelpText("after", ["", "Kinds:", ...list].join("\n"))
      .action(
        act(async (kind: ClientKind, { stack, out, topic, user }: Options) => {
          const { outputs } = await openOutputs(stack);
          const access = clientAccess(outputs, stack, user);
          const template: Template = TEMPLATES[kind];
          const name = out ?? template.file;
          const pemFile = `${name}.pem`;
          const input = {
            ...{ access, stack, topic: topicOf(topic, outputs) },
            ...{ file: shellWord(name), pemFile: fullPath(pemFile) },
          };
          if (out === undefined) {
            checkPrintable(kind, template, access, stack);
          }
          const text = renderTemplate(kind, template, input);
          if (out === undefined) {
            process.stdout.write(text);
          } else {
            const isSplit = template.hasPemFile === true && access.protocol !== "PLAINTEXT";
            const texts = { [out]: text, ...(isSplit && { [pemFile]: pemText(access) }) };
            tell(...createFiles(texts).map((path) => `created ${path}`));
          }
          tell(...remarks(kind, template, input).slice(1));
        }),
      );
  },
};
