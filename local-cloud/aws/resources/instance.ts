import { addressAt, isAddress, macAddress } from "../../machine/addresses";
import { readUserData, UserDataError } from "../../machine/cloud-init";
import { image } from "../../machine/image";
import {
  instanceExists,
  instanceIsWhole,
  instanceRuns,
  startInstance,
  stopInstance,
  terminateInstance,
  type AttachedVolume,
} from "../../machine/instance";
import { groupsOf, isStopped, publicIpOf, T, vpcModel } from "../../machine/model";
import { publicCidr } from "../../machine/blocks";
import { applyVpc } from "../../machine/network";
import { changeState, readState, recordsOf, type Record, type State } from "../../machine/store";
import { TAGS, zoneName } from "../check";
import { ec2Arn, newId, privateDnsName, publicDnsName } from "../ids";
import { architectureOf } from "../instance-types";
import { ApiError, type ResourceType, type Schema } from "../resource";
import type { Values } from "../values";
import { refuseVolume, VOLUME_TYPES, volumeShape, type VolumeWish } from "../volume-types";
import { having, mustExist, text, vpcOfExistingGroup } from "./common";
import { privateAddress, zoneOf } from "./subnet";

const USER_DATA_LIMIT = 16384;

const replacesOnUserData = (inputs: Values) => inputs["userDataReplaceOnChange"] === true;

const blockDevice: Schema = {
  deleteOnTermination: { type: "boolean", default: true },
  encrypted: { type: "boolean", computed: true, replace: true },
  iops: { type: "number", computed: true },
  kmsKeyId: { type: "string", computed: true, replace: true },
  tags: { type: "map" },
  throughput: { type: "number", computed: true },
  volumeSize: { type: "number", computed: true },
  volumeType: { type: "string", computed: true, oneOf: VOLUME_TYPES },
};

/** GiB of the image's own root volume. */
const ROOT_SIZE = 8;

/** The root volume that is asked for. */
function rootWish(inputs: Values): VolumeWish & { type: string } {
  const root = (inputs["rootBlockDevice"] ?? {}) as Values;
  return {
    type: (root["volumeType"] as string | undefined) ?? "gp3",
    size: (root["volumeSize"] as number | undefined) ?? ROOT_SIZE,
    ...(root["iops"] === undefined ? {} : { iops: root["iops"] as number }),
    ...(root["throughput"] === undefined ? {} : { throughput: root["throughput"] as number }),
  };
}

export const instance: ResourceType = {
  token: T.instance,
  name: "EC2 Instance",
  service: "EC2",
  operations: { create: "RunInstances", delete: "TerminateInstances" },
  schema: {
    ami: { type: "string", required: true, replace: true },
    instanceType: { type: "string", required: true },
    subnetId: { type: "string", required: true, replace: true },
    privateIp: {
      type: "string",
      computed: true,
      replace: true,
      check: (a: string) => (isAddress(a) ? undefined : "must be an IPv4 address"),
    },
    availabilityZone: { ...zoneName, computed: true, replace: true },
    associatePublicIpAddress: { type: "boolean", computed: true, replace: true },
    keyName: { type: "string", computed: true, replace: true },
    vpcSecurityGroupIds: { type: "strings", computed: true, unordered: true },
    userData: { type: "string", computed: true, replace: replacesOnUserData },
    userDataBase64: { type: "string", computed: true, replace: replacesOnUserData },
    userDataReplaceOnChange: { type: "boolean", default: false },
    rootBlockDevice: { type: "object", computed: true, fields: blockDevice },
    metadataOptions: {
      type: "object",
      computed: true,
      fields: {
        httpEndpoint: { type: "string", computed: true, oneOf: ["enabled", "disabled"] },
        httpTokens: { type: "string", computed: true, oneOf: ["optional", "required"] },
        httpPutResponseHopLimit: {
          type: "number",
          computed: true,
          check: (n: number) =>
            Number.isInteger(n) && n >= 1 && n <= 64
              ? undefined
              : "must be an integer from 1 to 64",
        },
        httpProtocolIpv6: { type: "string", computed: true, oneOf: ["enabled", "disabled"] },
        instanceMetadataTags: { type: "string", computed: true, oneOf: ["enabled", "disabled"] },
      },
    },
    creditSpecification: {
      type: "object",
      computed: true,
      fields: { cpuCredits: { type: "string", computed: true, oneOf: ["standard", "unlimited"] } },
    },
    disableApiStop: { type: "boolean", computed: true },
    disableApiTermination: { type: "boolean", computed: true },
    ebsOptimized: { type: "boolean", computed: true, replace: true },
    forceDestroy: { type: "boolean", default: false },
    iamInstanceProfile: { type: "string", computed: true },
    instanceInitiatedShutdownBehavior: {
      type: "string",
      computed: true,
      oneOf: ["stop", "terminate"],
    },
    monitoring: { type: "boolean", computed: true },
    sourceDestCheck: { type: "boolean", default: true },
    tenancy: { type: "string", computed: true, replace: true },
    volumeTags: { type: "map" },
    ...TAGS,
  },
  checkTogether(inputs) {
    if (inputs["userData"] === undefined || inputs["userDataBase64"] === undefined) return [];
    return [{ property: "userData", reason: "conflicts with userDataBase64" }];
  },
  newId: () => newId("i"),

  async lookAround(inputs) {
    // EC2 takes any user data; what the local cloud would not do as cloud-init does is refused.
    await readUserData(userDataOf(inputs)).catch((error: unknown) => {
      throw error instanceof UserDataError ? new ApiError("InvalidUserData", error.message) : error;
    });
    return { image: image() };
  },
  refuse(inputs, state, around, self) {
    const { amiId, architecture } = (around as { image: ReturnType<typeof image> }).image;
    const ami = text(inputs, "ami");
    if (!/^ami-[0-9a-f]{8,17}$/.test(ami)) {
      throw new ApiError("InvalidAMIID.Malformed", `Invalid id: "${ami}" (expecting "ami-...")`);
    }
    // A host keeps the image that it was made from, as EC2 lets it when an AMI is withdrawn.
    if (ami !== amiId && ami !== self?.inputs["ami"]) {
      throw new ApiError("InvalidAMIID.NotFound", `The image id '[${ami}]' does not exist`);
    }
    const type = text(inputs, "instanceType");
    const wanted = architectureOf(type);
    if (wanted === undefined) {
      throw new ApiError("InvalidParameterValue", `Invalid value '${type}' for InstanceType.`);
    }
    if (wanted !== architecture) {
      throw new ApiError(
        "InvalidParameterValue",
        `The architecture '${wanted}' of the specified instance type does not match the architecture '${architecture}' of the specified AMI. Specify an instance type and an AMI that have matching architectures, and try again.`,
      );
    }
    const subnet = mustExist(
      state, T.subnet, inputs["subnetId"], "InvalidSubnetID.NotFound", "subnet ID",
    ); // prettier-ignore
    const zone = inputs["availabilityZone"] as string | undefined;
    if (zone !== undefined && zone !== zoneOf(subnet.inputs)) {
      throw new ApiError(
        "InvalidParameterValue",
        `The subnet ID '${subnet.id}' is in the availability zone ${zoneOf(subnet.inputs)}, not in ${zone}.`,
      );
    }
    if (
      !self &&
      inputs["keyName"] !== undefined &&
      state.records[text(inputs, "keyName")]?.type !== T.keyPair
    ) {
      throw new ApiError(
        "InvalidKeyPair.NotFound",
        `The key pair '${text(inputs, "keyName")}' does not exist`,
      );
    }
    for (const id of (inputs["vpcSecurityGroupIds"] ?? []) as string[]) {
      if (vpcOfExistingGroup(state, id) !== subnet.inputs["vpcId"]) {
        throw new ApiError(
          "InvalidParameter",
          `Security group ${id} and subnet ${subnet.id} belong to different networks.`,
        );
      }
    }
    if (userDataOf(inputs).length > USER_DATA_LIMIT) {
      throw new ApiError(
        "InvalidParameterValue",
        `User data is limited to ${USER_DATA_LIMIT} bytes`,
      );
    }
    const root = rootWish(inputs);
    refuseVolume(root, self && rootWish(self.inputs));
    if (root.size < ROOT_SIZE) {
      throw new ApiError(
        "InvalidBlockDeviceMapping",
        `Volume of size ${root.size}GB is smaller than the AMI's snapshot, expect size >= ${ROOT_SIZE}GB`,
      );
    }
    if (!self) privateAddress(inputs, subnet, state);
  },
  choose(inputs, state, around) {
    const subnet = state.records[text(inputs, "subnetId")]!;
    const privateIp = privateAddress(inputs, subnet, state);
    return {
      // Of the address, not of the instance or the subnet: DHCP gives an address that is leased to
      // nobody else, and the next instance with this address may be in a subnet made anew.
      mac: macAddress(text(subnet.inputs, "vpcId"), privateIp),
      privateIp,
      imageRoot: (around as { image: ReturnType<typeof image> }).image.root,
      networkInterfaceId: newId("eni"),
      rootVolumeId: newId("vol"),
      // It is decided at the launch, for good.
      ...((inputs["associatePublicIpAddress"] ?? subnet.inputs["mapPublicIpOnLaunch"])
        ? publicAddress(subnet, state)
        : {}),
    };
  },
  attributes(record, state) {
    const { id, inputs, chosen } = record;
    const subnet = state.records[text(inputs, "subnetId")];
    const vpcId = text(subnet?.inputs ?? {}, "vpcId");
    const root = (inputs["rootBlockDevice"] ?? {}) as Values;
    const { type, size, iops, throughput } = volumeShape(rootWish(inputs));
    const privateIp = text(chosen, "privateIp");
    const runs = instanceRuns(id);
    const publicIp = (runs ? publicIpOf(record) : undefined) ?? "";
    return {
      arn: ec2Arn("instance", id),
      availabilityZone: subnet ? zoneOf(subnet.inputs) : "",
      // AWS's provider has it false while the instance is stopped, and knows what a program ignores.
      // Here a change would replace the instance, so it says what was decided at the launch.
      associatePublicIpAddress: chosen["publicIp"] !== undefined,
      instanceState: runs ? "running" : "stopped",
      primaryNetworkInterfaceId: chosen["networkInterfaceId"],
      privateIp,
      privateDns: privateDnsName(privateIp),
      publicIp,
      publicDns: publicIp && publicDnsName(publicIp),
      vpcSecurityGroupIds: vpcId && state.records[vpcId] ? groupsOf(state, record, vpcId) : [],
      secondaryPrivateIps: [],
      rootBlockDevice: {
        deleteOnTermination: true,
        deviceName: "/dev/xvda",
        encrypted: false,
        volumeId: chosen["rootVolumeId"],
        ...root,
        volumeSize: size,
        volumeType: type,
        iops,
        throughput,
      },
    };
  },

  async apply(record) {
    await applyVpc(vpcOf(record));
    await powerOn(record);
  },
  async update(record, before) {
    // EC2 changes these only while the instance is stopped; so its provider stops and starts it.
    const stops = ["instanceType", "userData", "userDataBase64"].some(
      (name) => record.inputs[name] !== before.inputs[name],
    );
    if (stops) await stopInstance(record.id);
    await settleInstance(record.id);
  },
  isWhole: (record) => (isStopped(record) ? !instanceRuns(record.id) : instanceIsWhole(record.id)),
  exists: ({ id }) => instanceExists(id),
  async remove(record) {
    await terminateInstance(
      record.id,
      attachedVolumes(record.id).map((v) => v.volumeId),
    );
  },
  takesAlong: ({ id }, state) =>
    [T.volumeAttachment, T.instanceState].flatMap((type) => having(state, type, "instanceId", id)),
  afterRemoval: (record) => applyVpc(vpcOf(record)),
};

/** The volumes that an instance is to have. */
export function attachedVolumes(instanceId: string): AttachedVolume[] {
  return having(readState(), T.volumeAttachment, "instanceId", instanceId)
    .filter((attachment) => !attachment.leaving)
    .map(({ inputs, chosen }) => ({
      volumeId: text(inputs, "volumeId"),
      index: chosen["index"] as number,
    }));
}

/**
 * Brings an instance to the power state that its record says, and its network to that.
 *
 * @param force If it is to stop: at once.
 */
export async function settleInstance(id: string, force = false): Promise<void> {
  const record = readState().records[id];
  if (!record) return; // it was terminated meanwhile
  if (isStopped(record)) {
    await stopInstance(id, force);
    await applyVpc(vpcOf(record));
    return;
  }
  if (!instanceRuns(id)) await renewPublicAddress(id);
  await applyVpc(vpcOf(record));
  await powerOn(readState().records[id]!);
}

/** Powers an instance on, with the addresses that its record has. */
export async function powerOn(record: Record): Promise<void> {
  const state = readState();
  const vpcId = vpcOf(record);
  const hosts = vpcModel(state, vpcId)?.hosts ?? [];
  const host = hosts.find((h) => h.id === record.id);
  if (!host) throw new Error(`instance ${record.id} has no VPC`);
  const key = state.records[record.inputs["keyName"] as string];
  const order = stopOrder(record);
  const idsWhere = (condition: (other: number) => boolean) =>
    hosts.filter(({ id }) => condition(stopOrder(state.records[id]!))).map(({ id }) => id);
  await startInstance({
    vpcId,
    host,
    imageRoot: text(record.chosen, "imageRoot"),
    userData: userDataOf(record.inputs),
    privateDnsName: privateDnsName(host.privateIp),
    ...(key ? { publicKey: text(key.inputs, "publicKey") } : {}),
    volumes: attachedVolumes(record.id),
    stopsAfter: idsWhere((other) => other < order),
    stopsBefore: idsWhere((other) => other > order),
  });
}

/**
 * The place of an instance among those of its VPC when the machine shuts down, from its tag
 * `StopOrder`: lower numbers stop first. An instance without one has no place.
 */
const stopOrder = ({ inputs }: Record) =>
  Number((inputs["tags"] as { StopOrder?: string } | undefined)?.StopOrder ?? NaN);

function vpcOf(record: Record): string {
  const subnet = readState().records[text(record.inputs, "subnetId")];
  return subnet ? text(subnet.inputs, "vpcId") : "";
}

/** The user data of an instance with these inputs, decoded. */
export function userDataOf(inputs: Values): Buffer {
  const encoded = inputs["userDataBase64"];
  return typeof encoded === "string"
    ? Buffer.from(encoded, "base64")
    : Buffer.from((inputs["userData"] as string | undefined) ?? "");
}

/** A free public address of the VPC. */
function publicAddress(subnet: Record, state: State, last?: unknown): Values {
  const cidr = publicCidr(state.records[text(subnet.inputs, "vpcId")]!.chosen["slot"] as number);
  const taken = new Set(recordsOf(state, T.instance).map((i) => i.chosen["publicIp"]));
  for (let offset = 10; offset < 255; offset++) {
    const publicIp = addressAt(cidr, offset);
    if (!taken.has(publicIp) && publicIp !== last) return { publicIp };
  }
  throw new ApiError("InsufficientAddressCapacity", `no public address is free in ${cidr}`);
}

/** As on EC2, an instance that was stopped starts with another public address. */
async function renewPublicAddress(id: string): Promise<void> {
  await changeState((state) => {
    const record = state.records[id];
    const subnet = record && state.records[text(record.inputs, "subnetId")];
    const last = record?.chosen["publicIp"];
    if (record && subnet && last !== undefined)
      Object.assign(record.chosen, publicAddress(subnet, state, last));
  });
}
