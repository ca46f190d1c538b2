import { getInstance } from "@pulumi/aws/ec2/getInstance";
import { getInstances } from "@pulumi/aws/ec2/getInstances";
import * as pulumi from "@pulumi/pulumi";
import { type LabId } from "./lab-id";
import { hostName } from "./lib/names";
import type { Settings } from "./settings";

/** The tags of this lab's resources. */
export function labTags({ id }: LabId): Record<string, string> {
  return { ...stackTags(), Lab: id };
}

/** Tags that another lab also has if its stack has the same name. */
function stackTags(): Record<string, string> {
  return { Project: pulumi.getProject(), Stack: pulumi.getStack() };
}

/** All instance states except shutting-down and terminated. */
const THERE = ["pending", "running", "stopping", "stopped"];

/** The hosts that the lab already has. */
export interface ExistingHosts {
  /** Whether the lab may have any hosts. */
  any: boolean;
  /** Tags that identify the hosts. */
  tags: Record<string, string>;
}

/**
 * Finds out whether the lab already has hosts that are not terminated. A lab from an earlier release of
 * this program has no id: only the tag with the stack's name identifies its hosts. Hosts with another id
 * belong to another lab. In that case a warning names the other lab, and Pulumi creates a separate one.
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
 * Rejects scaling down when a node to be removed is stopped, or when the same update pauses the lab. The
 * operator could neither move partitions off a stopped broker nor remove a node from the ensemble.
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
        `Setting "kafkalab:${setting}": it must not decrease ${running ? `while ${next} is stopped` : "while the lab is paused"}, ` +
        `since the operator could not ${why}; got ${got}. Run up with kafkalab:running true and the former number; then lower it.`;
      throw new pulumi.ResourceError(message, undefined, true);
    }
  };
  const broker = hostName("kafka", brokers + 1);
  const node = hostName("zookeeper", zookeeperNodes + 1);
  await Promise.all([
    refuse("brokers", broker, brokers, `move partitions off ${broker}`),
    refuse("zookeeperNodes", node, zookeeperNodes, `remove ${node} from the ensemble`),
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
