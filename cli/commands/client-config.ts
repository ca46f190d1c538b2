import { Argument } from "commander";
import { clientAccess } from "../clients/access";
import { openOutputs } from "../clients/lab";
import { topicName } from "../clients/options";
import { createFile } from "../clients/output-file";
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
  ],
  define(command, act) {
    const list = Object.entries(TEMPLATES).map(
      ([kind, { summary }]) => `  ${kind.padEnd(12)}${summary}`,
    );
    command
      .addOption(stackOption())
      .addArgument(new Argument("[kind]", "the kind of client").choices(kinds).default("java"))
      .option("--out <file>", "create this file instead; an existing file is never overwritten")
      .option(
        "--topic <topic>",
        "the topic of the example, if not that of the smoke test",
        topicName,
      )
      .addHelpText("after", ["", "Kinds:", ...list].join("\n"))
      .action(
        act(async (kind: ClientKind, { stack, out, topic }: Options) => {
          const { outputs } = await openOutputs(stack);
          const access = clientAccess(outputs, stack);
          const template: Template = TEMPLATES[kind];
          const file = shellWord(out ?? template.file);
          const input = { access, stack, file, topic: topicOf(topic, outputs) };
          const text = renderTemplate(kind, template, input);
          if (out === undefined) {
            process.stdout.write(text);
          } else {
            tell(`created ${createFile(out, text)}`);
          }
          tell(...remarks(kind, template, input).slice(1));
        }),
      );
  },
};
