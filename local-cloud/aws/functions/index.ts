import { image } from "../../machine/image";
import { ACCOUNT, REGION, ZONES } from "../ids";
import { ApiError } from "../resource";
import type { Values } from "../values";
import { getInstance } from "./get-instance";
import { getInstances } from "./get-instances";
import { getInstanceTypeOfferings } from "./get-instance-type-offerings";

/** A look-up: its arguments in, its result out. */
type Lookup = (args: Values) => Values | Promise<Values>;

/** Every function of the local cloud, by Pulumi's token. */
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

  "aws:index/getAvailabilityZones:getAvailabilityZones": (args) => {
    const names = Object.keys(ZONES).filter((name) => {
      const id = ZONES[name]!;
      return !includes(args["excludeNames"], name) && !includes(args["excludeZoneIds"], id);
    });
    return {
      ...args,
      id: REGION,
      region: REGION,
      names,
      zoneIds: names.map((name) => ZONES[name]),
      groupNames: [REGION],
    };
  },

  "aws:ec2/getInstances:getInstances": getInstances,
  "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": getInstanceTypeOfferings,

  /** Only Debian's public parameters: /aws/service/debian/release/12/latest/amd64 and arm64. */
  "aws:ssm/getParameter:getParameter": (args) => {
    const name = args["name"] as string;
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
      withDecryption: args["withDecryption"] ?? true,
    };
  },

  "aws:ec2/getInstance:getInstance": getInstance,

  "aws:ec2/getAmi:getAmi": (args) => {
    const { amiId, architecture, name, created } = image();
    const known: { [filter: string]: string[] } = {
      architecture: [architecture],
      "image-id": [amiId],
      name: [name],
      state: ["available"],
      "virtualization-type": ["hvm"],
      "root-device-type": ["ebs"],
    };
    const filters = (args["filters"] ?? []) as { name: string; values: string[] }[];
    const matches = filters.every(({ name: filter, values }) =>
      values.some((pattern) => known[filter]?.some((value) => glob(pattern).test(value))),
    );
    const nameRegex = args["nameRegex"] as string | undefined;
    if (!matches || (nameRegex !== undefined && !new RegExp(nameRegex).test(name))) {
      throw new ApiError(
        "InvalidAMIID.NotFound",
        "Your query returned no results. Please change your search criteria and try again.",
      );
    }
    return {
      ...args,
      id: amiId,
      arn: `arn:aws:ec2:${REGION}::image/${amiId}`,
      imageId: amiId,
      imageLocation: name,
      imageType: "machine",
      architecture,
      name,
      description: name,
      creationDate: created,
      ownerId: "136693071363", // Debian's account
      public: true,
      region: REGION,
      rootDeviceName: "/dev/xvda",
      rootDeviceType: "ebs",
      state: "available",
      virtualizationType: "hvm",
      blockDeviceMappings: [],
      productCodes: [],
      tags: {},
    };
  },
};

const includes = (list: unknown, item: string) => Array.isArray(list) && list.includes(item);

/** EC2's filter patterns: `*` for anything, `?` for one character. */
function glob(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`);
}
