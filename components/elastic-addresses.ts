import { getEips } from "@pulumi/aws/ec2/getEips";
import { getServiceQuota } from "@pulumi/aws/servicequotas/getServiceQuota";
import * as pulumi from "@pulumi/pulumi";
import { type LabId } from "./lab-id";
import { addressName, hostName, NAT_ADDRESS, ordinals } from "./lib/names";
import { type Settings } from "./settings";

/** AWS's names for the quota of elastic IP addresses in a region. It is 5 until the user asks for more. */
const QUOTA = { serviceCode: "ec2", quotaCode: "L-0263D0A3" };

/**
 * Rejects settings for which AWS would refuse an elastic IP address. Pulumi releases addresses that the
 * lab no longer needs only after it has allocated the new ones, so both count.
 */
export async function checkElasticAddresses(
  settings: Settings,
  { id }: LabId,
  opts: pulumi.InvokeOptions,
): Promise<void> {
  const wanted = namesOf(settings);
  if (wanted.length === 0) {
    return;
  }
  const filters = [{ name: "tag:Name", values: wanted }];
  const [{ value: quota }, all, own] = await Promise.all([
    getServiceQuota(QUOTA, opts),
    getEips({}, opts),
    getEips({ filters, tags: { Lab: id } }, opts),
  ]);
  const lacking = wanted.length - own.allocationIds.length;
  const used = all.allocationIds.length;
  if (lacking > 0 && used + lacking > quota) {
    const message =
      `Elastic IP addresses: the lab must not need more than the region's quota allows (${quota}, of ` +
      `which ${used} are in use); got ${lacking} more. ${remedyFor(settings)}, release addresses that you ` +
      `do not need, or ask for a higher quota (Service Quotas, ${QUOTA.quotaCode}; on the local target: ` +
      `KAFKALAB_ADDRESS_QUOTA=${used + lacking} npm run up).`;
    throw new pulumi.ResourceError(message, undefined, true);
  }
}

function namesOf({ brokers, clientCidrs, running, topology }: Settings): string[] {
  if (topology === "private") {
    return running ? [NAT_ADDRESS] : [];
  }
  return clientCidrs.length > 0
    ? ordinals(brokers).map((ordinal) => addressName(hostName("kafka", ordinal)))
    : [];
}

const remedyFor = ({ topology }: Settings) =>
  topology === "private"
    ? "Take the public topology"
    : 'Set kafkalab:clientAllowedCidrs to ["none"], take fewer brokers';
