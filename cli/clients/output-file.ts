import { closeSync, fchownSync, openSync, statSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { messageOf } from "../../shared/message-of";
import { Refusal } from "../lib/refusal";

/** The directory in which the user called npm, which runs commands in the checkout. */
export function usersDirectory(): string {
  return process.env["INIT_CWD"] || process.cwd();
}

/**
 * Creates a file that only its owner may read. If root creates it in a user's directory, it belongs to that
 * user.
 *
 * @param name A path, relative to the user's directory.
 * @returns The full path.
 * @throws Refusal if the file exists or cannot be created.
 */
export function createFile(name: string, text: string): string {
  const path = resolve(usersDirectory(), name);
  const file = opened(path);
  try {
    const { uid, gid } = statSync(dirname(path));
    if (process.getuid?.() === 0 && uid !== 0) {
      fchownSync(file, uid, gid);
    }
    writeFileSync(file, text);
  } finally {
    closeSync(file);
  }
  return path;
}

function opened(path: string): number {
  try {
    return openSync(path, "wx", 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") {
      throw new Refusal(
        `${path} exists, and client-config never overwrites a file.`,
        "Choose another name, or remove the file first.",
      );
    }
    throw new Refusal(`cannot create ${path}: ${messageOf(error)}`);
  }
}
