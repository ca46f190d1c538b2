import { createHash } from "node:crypto";
import * as z from "zod";
import { readState } from "../../machine/store";
import { ApiError } from "../api-error";
import { REGION } from "../ids";
import * as kinds from "../kinds";
import { mustExist } from "../records";
import { attributesOf } from "../resources/instance";
import { userDataOf } from "../user-data";
import { lookup } from "./lookup";

const ARGUMENTS = z.looseObject({
  instanceId: z.string().optional(),
  getUserData: z.boolean().optional(),
  region: z.string().optional(),
});

/** Returns an instance by its id, with the current values that depend on its power state. */
export const getInstance = lookup(ARGUMENTS, (args) => {
  const { instanceId, getUserData } = args;
  const foreign = Object.keys(args).filter((name) => !Object.hasOwn(ARGUMENTS.shape, name));
  if (foreign.length > 0 || instanceId === undefined) {
    throw new ApiError(
      "InvalidParameterCombination",
      `the local cloud finds an instance only by its instanceId; got ${foreign.join(", ") || "none"}`,
    );
  }
  const state = readState();
  const record = mustExist(state, kinds.instance, instanceId);
  const { inputs } = record;
  const attributes = attributesOf(record, state);
  const { primaryNetworkInterfaceId, rootBlockDevice, ...others } = attributes;
  const userData = userDataOf(inputs);
  return {
    ...args,
    ...others,
    id: record.id,
    ami: inputs.ami,
    associatePublicIpAddress: attributes.publicIp !== "",
    creditSpecifications: inputs.creditSpecification ? [inputs.creditSpecification] : [],
    disableApiStop: inputs.disableApiStop ?? false,
    disableApiTermination: inputs.disableApiTermination ?? false,
    ebsOptimized: inputs.ebsOptimized ?? false,
    iamInstanceProfile: inputs.iamInstanceProfile ?? "",
    instanceTags: {},
    instanceType: inputs.instanceType,
    ipv6Addresses: [],
    keyName: inputs.keyName ?? "",
    launchTime: record.chosen.launchTime ?? "",
    metadataOptions: inputs.metadataOptions ? [inputs.metadataOptions] : [],
    monitoring: inputs.monitoring ?? false,
    networkInterfaceId: primaryNetworkInterfaceId,
    region: REGION,
    rootBlockDevices: [rootBlockDevice],
    securityGroups: [],
    sourceDestCheck: inputs.sourceDestCheck ?? true,
    subnetId: inputs.subnetId,
    tags: inputs.tags ?? {},
    tenancy: inputs.tenancy ?? "default",
    userData: userData.length ? createHash("sha1").update(userData).digest("hex") : "",
    ...(getUserData === true ? { userDataBase64: userData.toString("base64") } : {}),
  };
});
