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
 * Refuses fewer nodes where those that are to go do not run, or where the lab is paused at once:
 * partitions could not be moved off brokers, nor ZooKeepers be taken out of the ensemble.
 */
export async function keepStoppedHosts(
  { brokers, zookeeperNodes, running }: Pick<Settings, "brokers" | "zookeeperNodes" | "running">,
  opts: pulumi.InvokeOptions,
): Promise<void> {
  const states = running ? ["stopping", "stopped"] : THERE;
  const refuse = async (setting: string, next: string, got: number, why: string) => {
    if (await hasInstances({ ...stackTags(), Name: next }, states, opts)) {
      const message =
        `Setting "kafkalab:${setting}": it must not go down ${running ? `while ${next} is stopped` : "in a lab that is paused"}, ` +
        `since ${why}; got ${got}. Run up with kafkalab:running true and as many as before; then lower it.`;
      throw new pulumi.ResourceError(message, undefined, true);
    }
  };
  const broker = hostName("kafka", brokers + 1);
  const node = hostName("zookeeper", zookeeperNodes + 1);
  await Promise.all([
    refuse("brokers", broker, brokers, `the partitions of ${broker} could not be moved off`),
    refuse(
      "zookeeperNodes",
      node,
      zookeeperNodes,
      `${node} could not be taken out of the ensemble`,
    ),
  ]);
}

async function hasInstances(
  instanceTags: Record<string, string>,
  instanceStateNames: string[],
  opts: pulumi.InvokeOptions,
): Promise<boolean> {
  const { ids } = await getInstances({ instanceTags, instanceStateNames }, opts);
  return ids.length > 0;
}
