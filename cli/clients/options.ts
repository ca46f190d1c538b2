import { InvalidArgumentError, Option } from "commander";

/** The option that names the user as whom a client connects. A lab without security has no users. */
export function userOption(): Option {
  return new Option(
    "--user <name>",
    "connect as this user of kafkalab:users; needed in a lab with security",
  );
}

/** Reads a number of records. */
export function count(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) {
    throw new InvalidArgumentError("It must be a whole number, 1 or more.");
  }
  return Number(text);
}

/** Reads the name of a topic. The rule is Kafka's. */
export function topicName(text: string): string {
  if (!/^[a-zA-Z0-9._-]{1,249}$/.test(text)) {
    throw new InvalidArgumentError("It must have 1 to 249 letters, digits, '.', '_' and '-'.");
  }
  return text;
}

/** Reads the text between key and value. */
export function separator(text: string): string {
  if (text === "") {
    throw new InvalidArgumentError("It must have one character or more.");
  }
  return text;
}
