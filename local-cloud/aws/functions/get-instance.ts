import { createHash } from "node:crypto";
import { readState } from "../../machine/store";
import { REGION } from "../ids";
import { ApiError } from "../resource";
import { mustBeInstance } from "../resources/common";
import { instance, userDataOf } from "../resources/instance";
import type { Values } from "../values";

const ARGUMENTS = ["instanceId", "getUserData", "region"];

/** An instance by its id, as it is now: what changes with its power state, too. */
export function getInstance(args: Values): Values {
  const foreign = Object.keys(args).filter((name) => !ARGUMENTS.includes(name));
  if (foreign.length || args["instanceId"] === undefined) {
    throw new ApiError(
      "InvalidParameterCombination",
      `the local cloud finds an instance by its instanceId alone; got ${foreign.join(", ") || "none"}`,
    );
  }
  const state = readState();
  const record = mustBeInstance(state, args["instanceId"]);
  const { inputs } = record;
  const { primaryNetworkInterfaceId, rootBlockDevice, ...attributes } = instance.attributes(
    record,
    state,
  );
  const userData = userDataOf(inputs);
  return {
    ...args,
    ...attributes,
    id: record.id,
    ami: inputs["ami"],
    associatePublicIpAddress: attributes["publicIp"] !== "",
    creditSpecifications: inputs["creditSpecification"] ? [inputs["creditSpecification"]] : [],
    disableApiStop: inputs["disableApiStop"] ?? false,
    disableApiTermination: inputs["disableApiTermination"] ?? false,
    ebsOptimized: inputs["ebsOptimized"] ?? false,
    iamInstanceProfile: inputs["iamInstanceProfile"] ?? "",
    instanceTags: {},
    instanceType: inputs["instanceType"],
    ipv6Addresses: [],
    keyName: inputs["keyName"] ?? "",
    metadataOptions: inputs["metadataOptions"] ? [inputs["metadataOptions"]] : [],
    monitoring: inputs["monitoring"] ?? false,
    networkInterfaceId: primaryNetworkInterfaceId,
    region: REGION,
    rootBlockDevices: [rootBlockDevice],
    securityGroups: [],
    sourceDestCheck: inputs["sourceDestCheck"] ?? true,
    subnetId: inputs["subnetId"],
    tags: inputs["tags"] ?? {},
    tenancy: inputs["tenancy"] ?? "default",
    userData: userData.length ? createHash("sha1").update(userData).digest("hex") : "",
    ...(args["getUserData"] === true ? { userDataBase64: userData.toString("base64") } : {}),
  };
}
