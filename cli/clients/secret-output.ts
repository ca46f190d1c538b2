import { npmRun } from "../lib/npm-run";
import { Refusal } from "../lib/refusal";
import type { ClientAccess } from "./access";
import type { ClientKind } from "./templates";
import type { Template } from "./templates/template";

/**
 * Checks that a client's file may go to standard output.
 *
 * @throws Refusal if a terminal would show a secret, or if the kind needs two files.
 */
export function checkPrintable(
  kind: ClientKind,
  template: Template,
  access: ClientAccess,
  stack: string,
  stdout: { isTTY?: boolean } = process.stdout,
): void {
  if (access.protocol === "PLAINTEXT") {
    return;
  }
  const options = ["--user", access.user, "--out", template.file];
  const remedy = `Create a file that only you can read: ${npmRun("client-config", stack, ...options, kind)}`;
  if (stdout.isTTY === true) {
    const secret = access.protocol === "SSL" ? "private key" : "password";
    throw new Refusal(
      `the configuration contains the ${secret} of the user ${access.user}, which a terminal must not show.`,
      remedy,
    );
  }
  if (template.hasPemFile === true) {
    throw new Refusal(
      `the kind ${kind} needs a second file for the certificates (${access.protocol}), and standard output is one.`,
      remedy,
    );
  }
}
