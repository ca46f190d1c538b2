import { getInstances } from "@pulumi/aws/ec2/getInstances";
import * as pulumi from "@pulumi/pulumi";

/** The tags that tell what belongs to this stack. */
export function stackTags(): Record<string, string> {
  return { Project: pulumi.getProject(), Stack: pulumi.getStack() };
}

/** Whether the stack has hosts already, in any state but gone. */
export async function hasHosts(opts: pulumi.InvokeOptions): Promise<boolean> {
  const { ids } = await getInstances(
    {
      instanceTags: stackTags(),
      instanceStateNames: ["pending", "running", "stopping", "stopped"],
    },
    opts,
  );
  return ids.length > 0;
}
