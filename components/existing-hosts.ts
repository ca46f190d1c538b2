import { getInstances } from "@pulumi/aws/ec2/getInstances";
import * as pulumi from "@pulumi/pulumi";
import { hostName } from "./lib/names";
import type { Settings } from "./lib/settings";

/** The tags that tell what belongs to this stack. */
export function stackTags(): Record<string, string> {
  return { Project: pulumi.getProject(), Stack: pulumi.getStack() };
}

/** Every state but gone. */
const THERE = ["pending", "running", "stopping", "stopped"];

/** Whether the stack has hosts already, in any state but gone. */
export function hasHosts(opts: pulumi.InvokeOptions): Promise<boolean> {
  return hasInstances(stackTags(), THERE, opts);
}

/**
 * Refuses fewer brokers where those that are to go do not run, or where the lab is paused at once:
 * their partitions could not be moved off.
 */
export async function keepStoppedBrokers(
  { brokers, running }: Pick<Settings, "brokers" | "running">,
  opts: pulumi.InvokeOptions,
): Promise<void> {
  const next = hostName("kafka", brokers + 1);
  const states = running ? ["stopping", "stopped"] : THERE;
  if (await hasInstances({ ...stackTags(), Name: next }, states, opts)) {
    const message =
      `Setting "kafkalab:brokers": it must not go down ${running ? `while ${next} is stopped` : "in a lab that is paused"}, ` +
      `since the partitions of ${next} could not be moved off; got ${brokers}. ` +
      "Run up with kafkalab:running true and as many brokers as before; then lower it.";
    throw new pulumi.ResourceError(message, undefined, true);
  }
}

async function hasInstances(
  instanceTags: Record<string, string>,
  instanceStateNames: string[],
  opts: pulumi.InvokeOptions,
): Promise<boolean> {
  const { ids } = await getInstances({ instanceTags, instanceStateNames }, opts);
  return ids.length > 0;
}
