import { closeSync, fchownSync, openSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { messageOf } from "../../shared/message-of";
import { Refusal } from "../lib/refusal";

/** The directory in which the user called npm, which runs commands in the checkout. */
export function usersDirectory(): string {
  return process.env["INIT_CWD"] || process.cwd();
}

/** The full path of a file that the user has named. */
export function fullPath(name: string): string {
  return resolve(usersDirectory(), name);
}

/**
 * Creates files as {@link createFile} does, or none of them.
 *
 * @param texts The texts by name.
 * @returns The full paths.
 * @throws Refusal if one of the files exists or cannot be created.
 */
export function createFiles(texts: Readonly<Record<string, string>>): string[] {
  const created: string[] = [];
  try {
    for (const [name, text] of Object.entries(texts)) {
      created.push(createFile(name, text));
    }
  } catch (error) {
    created.forEach((path) => rmSync(path));
    throw error;
  }
  return created;
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
  const path = fullPath(name);
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
