import { randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";

export const ACCOUNT = "000000000000";
export const REGION = "ap-northeast-2";
/** Name → id of the region's availability zones. */
export const ZONES: Readonly<{ [name: string]: string }> = {
  [`${REGION}a`]: "apne2-az1",
  [`${REGION}b`]: "apne2-az2",
  [`${REGION}c`]: "apne2-az3",
  [`${REGION}d`]: "apne2-az4",
};

/** `vpc-0123456789abcdef0` */
export const newId = (prefix: string) => `${prefix}-0${randomBytes(8).toString("hex")}`;

/** `arn:aws:ec2:ap-northeast-2:000000000000:vpc/vpc-0123…` */
export const ec2Arn = (kind: string, id: string) =>
  `arn:aws:ec2:${REGION}:${ACCOUNT}:${kind}/${id}`;

/** `ip-10-0-0-4.ap-northeast-2.compute.internal` */
export const privateDnsName = (address: string) =>
  `ip-${address.replaceAll(".", "-")}.${REGION}.compute.internal`;

/** `ec2-198-18-0-10.ap-northeast-2.compute.amazonaws.com` */
export const publicDnsName = (address: string) =>
  `ec2-${address.replaceAll(".", "-")}.${REGION}.compute.amazonaws.com`;

/** The number that the AWS provider computes from a text for its own composite ids. */
export const textHash = (text: string) => String(crc32(text));
