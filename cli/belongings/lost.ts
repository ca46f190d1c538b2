import { existsSync, readFileSync, rmSync } from "node:fs";
import { messageOf } from "../../shared/message-of";
import { stacksDir, stacksIn, stateFile } from "../pulumi/backend";
import { Refusal } from "../lib/refusal";
import * as kinds from "../../local-cloud/aws/kinds";
import { isOf, nameOf } from "../../local-cloud/aws/records";
import { stackOf } from "../../local-cloud/machine/owner";
import { readState, type StoredResource } from "../../local-cloud/machine/store";

/*
 * A resource is lost if the local cloud has a record of it and no state of Pulumi names its id: after
 * `pulumi state delete`, `pulumi stack rm --force`, or the loss of a state file.
 */

/** What is wrong with the file of a stack's state, if there is one and Pulumi could not read it. */
export function unreadable(name: string): string | undefined {
  if (!existsSync(stateFile(name))) {
    return undefined;
  }
  try {
    idsIn(name);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/**
 * The ids in all states of the account: a stack that was renamed is known by its new name.
 *
 * @param except A stack whose state may be unreadable.
 */
export function idsKnown(except?: string): Set<string> {
  const ids = stacksIn(stacksDir).flatMap((name) => {
    const fault = unreadable(name);
    if (fault === undefined) {
      return idsIn(name);
    }
    if (name === except) {
      return [];
    }
    throw new Refusal(
      `Pulumi's state of the stack ${name}, ${stateFile(name)}, cannot be read, so nobody can tell what is its own: ${fault}`,
      `Put that right first, or destroy that stack: npm run destroy -- -s ${name}`,
    );
  });
  return new Set(ids);
}

function idsIn(name: string): string[] {
  const { checkpoint } = JSON.parse(readFileSync(stateFile(name), "utf8")) as {
    checkpoint?: { latest?: { resources?: { id?: string }[] | null } | null };
  };
  if (!checkpoint) {
    throw new Error("it has no checkpoint");
  }
  return (checkpoint.latest?.resources ?? []).flatMap(({ id }) => id ?? []);
}

/** The records of a stack whose ids are not among those. */
export const lostOf = (stack: string, known: ReadonlySet<string>): StoredResource[] =>
  Object.values(readState().records).filter((r) => stackOf(r.urn) === stack && !known.has(r.id));

/** Hosts and volumes by name, and how many others there are. */
export function describe(records: StoredResource[]): string {
  const all = records
    .flatMap((record) => {
      if (isOf(kinds.instance, record)) {
        return `host ${nameOf(record)}`;
      }
      return isOf(kinds.volume, record) ? `volume ${nameOf(record)}` : [];
    })
    .sort();
  const shown = all.slice(0, 8);
  const others = records.length - shown.length;
  if (others > 0) {
    shown.push(`${others} ${all.length ? "more" : "of the network"}`);
  }
  return shown.join(", ");
}

/** Removes a state file that nobody can read, for a stack of which nothing is left. */
export function removeStateFile(name: string): void {
  rmSync(stateFile(name), { force: true });
}
