import { existsSync, realpathSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { labDir } from "./paths";
import type { Owner, State } from "./store";

/** The stack of a resource, as the local cloud names it: `urn:pulumi:STACK::PROJECT`. */
export const stackOf = (urn: string) => urn.split("::").slice(0, 2).join("::");

/** The checkout for which this process works. */
export const checkout = () => realpathSync(dirname(labDir));

/**
 * The owner of a stack's lab, if that is another checkout. A checkout that is gone does not count: nobody can
 * run anything in it, and a checkout that was moved would otherwise lose its own lab.
 */
export function foreignOwner(state: State, stack: string): Owner | undefined {
  const owner = state.owners?.[stack];
  return owner && isCheckout(owner.directory) && !isHere(owner.directory) ? owner : undefined;
}

const isCheckout = (directory: string) => existsSync(join(directory, "Pulumi.yaml"));

/** Whether that is this checkout, which may be mounted in two places. */
export function isHere(directory: string): boolean {
  if (!existsSync(directory)) {
    return false;
  }
  const [one, other] = [statSync(directory), statSync(checkout())];
  return one.dev === other.dev && one.ino === other.ino;
}

/** Notes that the lab of the stack is this checkout's. */
export function own(state: State, stack: string): void {
  state.owners = {
    ...state.owners,
    [stack]: { directory: checkout(), user: userName(), since: new Date().toISOString() },
  };
}

/** Who runs this, also behind sudo. */
export function userName(): string {
  try {
    return process.env["SUDO_USER"] ?? userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? "?"}`; // in no list of users
  }
}

/** What to say of a lab that is another checkout's. */
export function foreign({ directory, user, since }: Owner): {
  message: string;
  remedies: string[];
} {
  return {
    message: `this lab belongs to another checkout, ${directory} (${user}, since ${since.slice(0, 16).replace("T", " ")} UTC).`,
    remedies: [
      "Go on with it there; or have a lab of your own here, beside it: KAFKALAB_STATE=DIRECTORY npm run up",
      "To take it over for this checkout: npm run take-over",
    ],
  };
}
