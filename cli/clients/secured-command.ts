import { kcatSecurity, pemText } from "./connection";
import { kcatLine } from "./escape";
import type { ClientSecurity } from "./security";

/** A script for a POSIX shell, and what must come first on its standard input. */
export interface SecuredCommand {
  script: string;
  input: string;
}

const CONFIG = "kcat.conf";
const PEM = "kcat.pem";

/**
 * A script that runs a command with kcat's configuration for these brokers. The private key and the password are
 * on no command line: the script reads them from its standard input, which then belongs to the command. They are
 * in memory, in a directory of the login user, until the command ends.
 */
export function secured(security: ClientSecurity, command: string): SecuredCommand {
  if (security.protocol === "PLAINTEXT") {
    return { script: command, input: "" };
  }
  const lines = kcatSecurity(security, PEM).map(([name, value]) => `${kcatLine(name, value)}\n`);
  const files = { [CONFIG]: lines.join(""), [PEM]: pemText(security) };
  const reads = Object.entries(files).map(
    ([name, text]) => `head -c ${Buffer.byteLength(text)} >${name} || exit`,
  );
  return {
    script: [
      "umask 077",
      "directory=$(mktemp -d /dev/shm/kafkalab.XXXXXXXX) || exit",
      "trap 'rm -rf \"$directory\"' EXIT",
      // A shell that a signal ends does not run the line above by itself.
      "trap 'exit 1' HUP INT TERM",
      'cd "$directory" || exit',
      ...reads,
      `export KCAT_CONFIG=${CONFIG}`,
      command,
    ].join("\n"),
    input: Object.values(files).join(""),
  };
}
