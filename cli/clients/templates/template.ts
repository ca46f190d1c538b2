import { npmRun } from "../../lib/npm-run";
import { type ClientAccess, isTunnelled } from "../access";

/** What the text of a client file depends on. */
export interface ClientFileInput {
  access: ClientAccess;
  /** The topic of the example. */
  topic: string;
  /** The stack, for remarks. */
  stack: string;
  /** The name under which the file is tried. */
  file: string;
}

/** A file that connects one kind of client. */
export interface Template {
  /** The usual name of the file. */
  file: string;
  /** One line for the help. */
  summary: string;
  /** How a comment begins. */
  comment: "#" | "//";
  /** A command that shows that the file works. It runs in the directory of the file. */
  command(input: ClientFileInput): string;
  /** The text below the remarks. */
  body(input: ClientFileInput): string;
}

/** The remarks about a file: where it comes from, what must run, and a command to try it. */
export function remarks(kind: string, template: Template, input: ClientFileInput): string[] {
  return [
    `Connects to the Kafka lab. Created by: ${npmRun("client-config", input.stack, kind)}`,
    ...(isTunnelled(input.access)
      ? [`Works while this command runs: ${npmRun("tunnel", input.stack)}`]
      : []),
    `Try it: ${template.command(input)}`,
  ];
}

/** The complete text of a file. */
export function renderTemplate(kind: string, template: Template, input: ClientFileInput): string {
  const head = remarks(kind, template, input).map((line) => `${template.comment} ${line}`);
  return `${head.join("\n")}\n\n${template.body(input).trim()}\n`;
}

/** The package of Kafka's serializers and deserializers for Java clients. */
export const JAVA_SERIALIZATION = "org.apache.kafka.common.serialization";

/** Properties as lines of `key=value`. */
export function propertyLines(properties: readonly (readonly [string, string])[]): string {
  return properties.map(([key, value]) => `${key}=${value}`).join("\n");
}
