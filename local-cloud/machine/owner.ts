import { existsSync, realpathSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { labDir } from "./paths";
import type { Owner, State } from "./store";

/** The local cloud's name for a resource's stack: `urn:pulumi:STACK::PROJECT`. */
export const stackOf = (urn: string) => urn.split("::").slice(0, 2).join("::");

/** The checkout for which this process works. */
export const checkout = () => realpathSync(dirname(labDir));

/**
 * Returns the owner of a stack's lab if it is another checkout. A deleted checkout does not count: nobody
 * can run anything in it, and otherwise a moved checkout would lose its own lab.
 */
export function foreignOwner(state: State, stack: string): Owner | undefined {
  const owner = state.owners?.[stack];
  return owner && isCheckout(owner.directory) && !isHere(owner.directory) ? owner : undefined;
}

const isCheckout = (directory: string) => existsSync(join(directory, "Pulumi.yaml"));

/** Whether the directory is this checkout. Compares inodes, because it may be mounted in two places. */
export function isHere(directory: string): boolean {
  if (!existsSync(directory)) {
    return false;
  }
  const [one, other] = [statSync(directory), statSync(checkout())];
  return one.dev === other.dev && one.ino === other.ino;
}

/** Records this checkout as the owner of the stack's lab. */
export function own(state: State, stack: string): void {
  state.owners = {
    ...state.owners,
    [stack]: { directory: checkout(), user: userName(), since: new Date().toISOString() },
  };
}

/** The name of the user, even if the user runs sudo. */
export function userName(): string {
  try {
    return process.env["SUDO_USER"] ?? userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? "?"}`; // the uid has no name
  }
}

/** The message about a lab that belongs to another checkout. */
export function foreign({ directory, user, since }: Owner): {
  message: string;
  remedies: string[];
} {
  return {
    message: `this lab belongs to another checkout, ${directory} (${user}, since ${since.slice(0, 16).replace("T", " ")} UTC).`,
    remedies: [
      "Use that checkout, or create a separate lab here: KAFKALAB_STATE=DIRECTORY npm run up",
      "To take it over for this checkout: npm run take-over",
    ],
  };
}
