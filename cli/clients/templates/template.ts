import { npmRun } from "../../lib/npm-run";
import { type ClientAccess, isTunnelled } from "../access";
import type { Property } from "../connection";
import { javaValue, kcatLine } from "../escape";

/** What the text of a client file depends on. */
export interface ClientFileInput {
  access: ClientAccess;
  /** The topic of the example. */
  topic: string;
  /** The stack, for remarks. */
  stack: string;
  /** The name under which the file is tried. */
  file: string;
  /** The full path of the second file, for kinds that have one. */
  pemFile: string;
}

/** A file that connects one kind of client. */
export interface Template {
  /** The usual name of the file. */
  file: string;
  /** One line for the help. */
  summary: string;
  /** Whether the PEM texts of a secured lab are in a second file. @default false */
  hasPemFile?: true;
  /** How a comment begins. */
  comment: "#" | "//";
  /** A command that shows that the file works. It runs in the directory of the file. */
  command(input: ClientFileInput): string;
  /** The text below the remarks. */
  body(input: ClientFileInput): string;
}

/** The remarks about a file: where it comes from, what must run, and a command to try it. */
export function remarks(kind: string, template: Template, input: ClientFileInput): string[] {
  const { access, stack } = input;
  const options = access.protocol === "PLAINTEXT" ? [] : ["--user", access.user];
  return [
    `Connects to the Kafka lab. Created by: ${npmRun("client-config", stack, ...options, kind)}`,
    ...(isTunnelled(access.bootstrapServers)
      ? [`Works while this command runs: ${npmRun("tunnel", stack)}`]
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

/** Lines for Java's `Properties`. */
export function javaLines(properties: readonly Property[]): string {
  return properties.map(([name, value]) => `${name}=${javaValue(value)}`).join("\n");
}

/** Lines for `kcat -F`. */
export function kcatLines(properties: readonly Property[]): string {
  return properties.map(([name, value]) => kcatLine(name, value)).join("\n");
}
