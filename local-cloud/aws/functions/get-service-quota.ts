import * as z from "zod";
import { ApiError } from "../api-error";
import { addressQuota, DEFAULT_ADDRESS_QUOTA } from "../elastic-addresses";
import { ACCOUNT, REGION } from "../ids";
import { lookup } from "./lookup";

const SERVICE = "ec2";
/** The quota "EC2-VPC Elastic IPs". */
const ELASTIC_ADDRESSES = "L-0263D0A3";

const ARGUMENTS = z.strictObject({
  quotaCode: z.string(),
  region: z.enum([REGION]).optional(),
  serviceCode: z.string(),
});

/** Returns the quota of elastic addresses. The local cloud has no other quota. */
export const getServiceQuota = lookup(ARGUMENTS, (args) => {
  const { serviceCode, quotaCode } = args;
  if (serviceCode !== SERVICE || quotaCode !== ELASTIC_ADDRESSES) {
    throw new ApiError(
      "NoSuchResourceException",
      `The request failed because the specified service quota does not exist: ${serviceCode}/${quotaCode}.`,
    );
  }
  return {
    ...args,
    // AWS's provider uses the ARN of the default value, which belongs to no account.
    id: `arn:aws:servicequotas:${REGION}::${SERVICE}/${ELASTIC_ADDRESSES}`,
    arn: `arn:aws:servicequotas:${REGION}:${ACCOUNT}:${SERVICE}/${ELASTIC_ADDRESSES}`,
    adjustable: true,
    defaultValue: DEFAULT_ADDRESS_QUOTA,
    globalQuota: false,
    quotaName: "EC2-VPC Elastic IPs",
    region: REGION,
    serviceName: "Amazon Elastic Compute Cloud (Amazon EC2)",
    usageMetrics: [],
    value: addressQuota(),
  };
});
