import * as z from "zod";
import { image } from "../../machine/image";
import { ApiError } from "../api-error";
import { ACCOUNT, REGION, ZONES } from "../ids";
import { getAmi } from "./get-ami";
import { getEips } from "./get-eips";
import { getInstance } from "./get-instance";
import { getInstanceTypeOfferings } from "./get-instance-type-offerings";
import { getInstances } from "./get-instances";
import { getServiceQuota } from "./get-service-quota";
import { lookup, type Lookup } from "./lookup";

const getAvailabilityZones = lookup(
  z.looseObject({
    excludeNames: z.array(z.string()).optional(),
    excludeZoneIds: z.array(z.string()).optional(),
  }),
  (args) => {
    const { excludeNames = [], excludeZoneIds = [] } = args;
    const zones = Object.entries(ZONES).filter(
      ([name, id]) => !excludeNames.includes(name) && !excludeZoneIds.includes(id),
    );
    return {
      ...args,
      id: REGION,
      region: REGION,
      names: zones.map(([name]) => name),
      zoneIds: zones.map(([, id]) => id),
      groupNames: [REGION],
    };
  },
);

/** Supports only Debian's public parameters: /aws/service/debian/release/12/latest/amd64 and arm64. */
const getParameter = lookup(
  z.looseObject({ name: z.string(), withDecryption: z.boolean().optional() }),
  (args) => {
    const { name, withDecryption = true } = args;
    const { amiId, architecture } = image();
    const debianName = architecture === "x86_64" ? "amd64" : architecture;
    if (name !== `/aws/service/debian/release/12/latest/${debianName}`) {
      throw new ApiError("ParameterNotFound", `parameter ${name} does not exist`);
    }
    return {
      ...args,
      id: name,
      arn: `arn:aws:ssm:${REGION}::parameter${name}`,
      region: REGION,
      type: "String",
      value: amiId,
      insecureValue: amiId,
      version: 1,
      withDecryption,
    };
  },
);

/** All functions of the local cloud, by Pulumi token. */
export const functions: Readonly<{ [token: string]: Lookup }> = {
  "aws:index/getRegion:getRegion": () => ({
    id: REGION,
    name: REGION,
    region: REGION,
    description: "Asia Pacific (Seoul)",
    endpoint: `ec2.${REGION}.amazonaws.com`,
  }),
  "aws:index/getCallerIdentity:getCallerIdentity": () => ({
    id: ACCOUNT,
    accountId: ACCOUNT,
    arn: `arn:aws:iam::${ACCOUNT}:root`,
    userId: ACCOUNT,
  }),
  "aws:index/getAvailabilityZones:getAvailabilityZones": getAvailabilityZones,
  "aws:ec2/getEips:getEips": getEips,
  "aws:ec2/getInstances:getInstances": getInstances,
  "aws:ec2/getInstance:getInstance": getInstance,
  "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": getInstanceTypeOfferings,
  "aws:servicequotas/getServiceQuota:getServiceQuota": getServiceQuota,
  "aws:ssm/getParameter:getParameter": getParameter,
  "aws:ec2/getAmi:getAmi": getAmi,
};
