import { getInstance } from "@pulumi/aws/ec2/getInstance";
import { getInstances } from "@pulumi/aws/ec2/getInstances";
import * as pulumi from "@pulumi/pulumi";
import { type LabId } from "./lab-id";
import { hostName } from "./lib/names";
import type { Settings } from "./settings";

/** The tags that tell what belongs to this lab. */
export function labTags({ id }: LabId): Record<string, string> {
  return { ...stackTags(), Lab: id };
}

/** Tags that another lab can have as well, if its stack has the same name. */
function stackTags(): Record<string, string> {
  return { Project: pulumi.getProject(), Stack: pulumi.getStack() };
}

/** Every state but gone. */
const THERE = ["pending", "running", "stopping", "stopped"];

/** Hosts that are there already. */
export interface ExistingHosts {
  /** Whether the lab may have any. */
  any: boolean;
  /** Tags by which they are found. */
  tags: Record<string, string>;
}

/**
 * Whether the lab has hosts already, in any state but gone. One of an earlier release of this program
 * has no id yet: its hosts bear the name of the stack alone. Hosts with another id are another lab's,
 * beside which this one is made; its owner is told.
 */
export async function findHosts(lab: LabId, opts: pulumi.InvokeOptions): Promise<ExistingHosts> {
  if (!lab.isFresh) {
    return { any: true, tags: { Lab: lab.id } };
  }
  const tags = stackTags();
  const ids = await findInstances(tags, THERE, opts);
  const owners = await Promise.all(ids.map((instanceId) => ownerOf(instanceId, opts)));
  const others = [...new Set(owners.filter((owner) => owner !== undefined))];
  if (others.length > 0) {
    await pulumi.log.warn(
      `another lab of a stack ${pulumi.getStack()} is in this account and region (tag Lab: ` +
        `${others.join(", ")}). This one shares nothing with it. If it is yours, and you have lost ` +
        "its state, see docs/aws.md, When the state is lost.",
    );
  }
  return { any: owners.includes(undefined), tags };
}

async function ownerOf(
  instanceId: string,
  opts: pulumi.InvokeOptions,
): Promise<string | undefined> {
  const { tags } = await getInstance({ instanceId }, opts);
  return tags.Lab;
}

/**
 * Refuses fewer nodes where those that are to go do not run, or where the lab is paused at once:
 * partitions could not be moved off brokers, nor ZooKeepers be taken out of the ensemble.
 */
export async function keepStoppedHosts(
  { brokers, zookeeperNodes, running }: Pick<Settings, "brokers" | "zookeeperNodes" | "running">,
  { any, tags }: ExistingHosts,
  opts: pulumi.InvokeOptions,
): Promise<void> {
  if (!any) {
    return;
  }
  const states = running ? ["stopping", "stopped"] : THERE;
  const refuse = async (setting: string, next: string, got: number, why: string) => {
    if ((await findInstances({ ...tags, Name: next }, states, opts)).length > 0) {
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

async function findInstances(
  instanceTags: Record<string, string>,
  instanceStateNames: string[],
  opts: pulumi.InvokeOptions,
): Promise<string[]> {
  const { ids } = await getInstances({ instanceTags, instanceStateNames }, opts);
  return ids;
}
