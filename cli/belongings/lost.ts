import { existsSync, readFileSync, rmSync } from "node:fs";
import { messageOf } from "../../shared/message-of";
import { stacksDir, stacksIn, stateFile } from "../pulumi/backend";
import { Refusal } from "../lib/refusal";
import * as kinds from "../../local-cloud/aws/kinds";
import { isOf, nameOf } from "../../local-cloud/aws/records";
import { stackOf } from "../../local-cloud/machine/owner";
import { readState, type StoredResource } from "../../local-cloud/machine/store";

/*
 * A resource is lost if the local cloud has a record of it and no state of Pulumi contains its id. This
 * happens after `pulumi state delete`, `pulumi stack rm --force`, or the loss of a state file.
 */

/** Returns why Pulumi cannot read a stack's state file; undefined if it can, or if there is no file. */
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
 * The ids in the states of all stacks, because a stack may have been renamed.
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
      `Pulumi's state of the stack ${name}, ${stateFile(name)}, cannot be read, so its resources are unknown: ${fault}`,
      `Repair it first, or destroy that stack: npm run destroy -- -s ${name}`,
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

/** The records of a stack whose ids are not in `known`. */
export const lostOf = (stack: string, known: ReadonlySet<string>): StoredResource[] =>
  Object.values(readState().records).filter((r) => stackOf(r.urn) === stack && !known.has(r.id));

/** Describes records: hosts and volumes by name, and the number of other resources. */
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

/** Removes an unreadable state file of a stack without resources. */
export function removeStateFile(name: string): void {
  rmSync(stateFile(name), { force: true });
}
