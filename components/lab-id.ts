import { randomBytes } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";

/** What tells this lab from every other one in the account, whatever their stacks are called. */
export interface LabId {
  id: string;
  /** Whether it was made in this run, so that the state knows of no host that bears it. */
  isFresh: boolean;
}

/** Makes the id of a lab with its first `up`. The state keeps it until `destroy`. */
export async function labId(): Promise<LabId> {
  const fresh = randomBytes(4).toString("hex");
  const stash = new pulumi.Stash("lab-id", { input: fresh }, { ignoreChanges: ["input"] });
  const kept = await valueOf(stash.output);
  return { id: kept ?? fresh, isFresh: kept === undefined || kept === fresh };
}

/** An output's value now, since it decides what is declared. None with `--target` of something else. */
function valueOf(output: pulumi.Output<unknown>): Promise<string | undefined> {
  return (output as unknown as { promise(): Promise<string | undefined> }).promise();
}
