import { randomBytes } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";

/** Distinguishes this lab from all others in the account, even from stacks with the same name. */
export interface LabId {
  id: string;
  /** Whether this run created the id. If so, the state contains no host with this id. */
  isFresh: boolean;
}

/** Creates the id of a lab in the first `up`. The state keeps it until `destroy`. */
export async function labId(): Promise<LabId> {
  const fresh = randomBytes(4).toString("hex");
  const stash = new pulumi.Stash("lab-id", { input: fresh }, { ignoreChanges: ["input"] });
  const kept = await valueOf(stash.output);
  return { id: kept ?? fresh, isFresh: kept === undefined || kept === fresh };
}

/**
 * Waits for an output's value, because the program needs it to decide what to declare. Undefined if
 * `--target` excludes the resource.
 */
function valueOf(output: pulumi.Output<unknown>): Promise<string | undefined> {
  return (output as unknown as { promise(): Promise<string | undefined> }).promise();
}
