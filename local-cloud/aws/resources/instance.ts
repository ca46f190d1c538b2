import { macAddress } from "../../machine/addresses";
import { readUserData, UserDataError } from "../../machine/cloud-init";
import { image, type Image } from "../../machine/image";
import {
  instanceIsWhole,
  instanceRuns,
  stopInstance,
  terminateInstance,
} from "../../machine/instance";
import { instanceExists } from "../../machine/instance-disk";
import type { State } from "../../machine/store";
import { ApiError } from "../api-error";
import { elasticAddresses } from "../elastic-addresses";
import { ec2Arn, newId, privateDnsName, publicDnsName } from "../ids";
import { architectureOf } from "../instance-types";
import type { InputsOf, RecordOf } from "../kind";
import * as kinds from "../kinds";
import { applyVpcOfSubnet } from "../network";
import { attachedVolumes, launchTime, powerOn, publicAddress, settleInstance } from "../power";
import { find, having, mustExist } from "../records";
import { resourceType } from "../resource";
import { privateAddress, zoneOf } from "../subnet-addresses";
import { userDataOf } from "../user-data";
import { refuseVolume, volumeShape, type VolumeWish } from "../volume-types";
import { automaticIpOf, groupsOf, isStopped } from "../vpc-model";
import { vpcOfExistingGroup } from "./common";

type Inputs = InputsOf<typeof kinds.instance>;
type Instance = RecordOf<typeof kinds.instance>;
type Subnet = RecordOf<typeof kinds.subnet>;

const USER_DATA_LIMIT = 16384;

/** Size of the image's root volume in GiB. */
const ROOT_SIZE = 8;

/** The root volume in the inputs. */
function rootWish({ rootBlockDevice: root = {} }: Inputs): VolumeWish {
  return {
    type: root.volumeType ?? "gp3",
    size: root.volumeSize ?? ROOT_SIZE,
    ...(root.iops === undefined ? {} : { iops: root.iops }),
    ...(root.throughput === undefined ? {} : { throughput: root.throughput }),
  };
}

export const instance = resourceType(kinds.instance, {
  name: "EC2 Instance",
  service: "EC2",
  operations: { create: "RunInstances", delete: "TerminateInstances" },
  checkTogether: ({ userData, userDataBase64 }) =>
    userData === undefined || userDataBase64 === undefined
      ? []
      : [{ property: "userData", reason: "conflicts with userDataBase64" }],
  newId: () => newId("i"),

  async lookAround(inputs) {
    // EC2 accepts any user data. The local cloud rejects user data that it cannot process like cloud-init.
    await readUserData(userDataOf(inputs)).catch((error: unknown) => {
      throw error instanceof UserDataError ? new ApiError("InvalidUserData", error.message) : error;
    });
    return { image: image() };
  },
  refuse(inputs, state, around, self) {
    refuseImage(inputs, around.image, self);
    const subnet = mustExist(state, kinds.subnet, inputs.subnetId);
    refuseSurroundings(inputs, state, subnet, self);
    if (userDataOf(inputs).length > USER_DATA_LIMIT) {
      throw new ApiError(
        "InvalidParameterValue",
        `User data is limited to ${USER_DATA_LIMIT} bytes`,
      );
    }
    refuseRoot(inputs, self);
    if (!self) {
      privateAddress(inputs.privateIp, subnet, state);
    }
  },
  choose(inputs, state, around) {
    const subnet = mustExist(state, kinds.subnet, inputs.subnetId);
    const privateIp = privateAddress(inputs.privateIp, subnet, state);
    // EC2 decides at launch whether an instance has a public address. This cannot change later.
    const isPublic = inputs.associatePublicIpAddress ?? subnet.inputs.mapPublicIpOnLaunch ?? false;
    return {
      // The MAC address depends on the IP address, not on the instance or the subnet: dnsmasq gives an
      // address only to the owner of its lease, and the next instance with this address may be in a new
      // subnet.
      mac: macAddress(subnet.inputs.vpcId, privateIp),
      privateIp,
      imageRoot: around.image.root,
      networkInterfaceId: newId("eni"),
      rootVolumeId: newId("vol"),
      launchTime: launchTime(),
      ...(isPublic ? { publicIp: publicAddress(subnet, state) } : {}),
    };
  },
  attributes: attributesOf,

  async apply(record) {
    await applyVpcOfSubnet(record.inputs.subnetId);
    await powerOn(record);
  },
  async update(record, before) {
    // EC2 can change these only while the instance is stopped, so AWS's provider stops and starts it.
    const stops = (["instanceType", "userData", "userDataBase64"] as const).some(
      (name) => record.inputs[name] !== before.inputs[name],
    );
    if (stops) {
      await stopInstance(record.id);
    }
    await settleInstance(record.id);
  },
  isWhole: (record) => (isStopped(record) ? !instanceRuns(record.id) : instanceIsWhole(record.id)),
  exists: ({ id }) => instanceExists(id),
  remove: ({ id }) =>
    terminateInstance(
      id,
      attachedVolumes(id).map(({ volumeId }) => volumeId),
    ),
  takesAlong: ({ id }, state) => [
    ...having(state, kinds.volumeAttachment, "instanceId", id),
    ...having(state, kinds.instanceState, "instanceId", id),
    ...having(state, kinds.eipAssociation, "instanceId", id),
  ],
  afterRemoval: ({ inputs }) => applyVpcOfSubnet(inputs.subnetId),
});

/** Throws if EC2 would not boot this image on this instance type. */
function refuseImage({ ami, instanceType }: Inputs, known: Image, self?: Instance): void {
  if (!/^ami-[0-9a-f]{8,17}$/.test(ami)) {
    throw new ApiError("InvalidAMIID.Malformed", `Invalid id: "${ami}" (expecting "ami-...")`);
  }
  // A host keeps the image that it was created from, as on EC2 after an AMI is deregistered.
  if (ami !== known.amiId && ami !== self?.inputs.ami) {
    throw new ApiError("InvalidAMIID.NotFound", `The image id '[${ami}]' does not exist`);
  }
  const architecture = architectureOf(instanceType);
  if (architecture === undefined) {
    throw new ApiError(
      "InvalidParameterValue",
      `Invalid value '${instanceType}' for InstanceType.`,
    );
  }
  if (architecture !== known.architecture) {
    throw new ApiError(
      "InvalidParameterValue",
      `The architecture '${architecture}' of the specified instance type does not match the architecture '${known.architecture}' of the specified AMI. Specify an instance type and an AMI that have matching architectures, and try again.`,
    );
  }
}

/** Throws if the zone, the key pair or a security group does not match the instance. */
function refuseSurroundings(inputs: Inputs, state: State, subnet: Subnet, self?: Instance): void {
  const { availabilityZone: zone, keyName, vpcSecurityGroupIds = [] } = inputs;
  if (zone !== undefined && zone !== zoneOf(subnet.inputs)) {
    throw new ApiError(
      "InvalidParameterValue",
      `The subnet ID '${subnet.id}' is in the availability zone ${zoneOf(subnet.inputs)}, not in ${zone}.`,
    );
  }
  if (!self && keyName !== undefined && !find(state, kinds.keyPair, keyName)) {
    throw new ApiError("InvalidKeyPair.NotFound", `The key pair '${keyName}' does not exist`);
  }
  for (const id of vpcSecurityGroupIds) {
    if (vpcOfExistingGroup(state, id) !== subnet.inputs.vpcId) {
      throw new ApiError(
        "InvalidParameter",
        `Security group ${id} and subnet ${subnet.id} belong to different networks.`,
      );
    }
  }
}

function refuseRoot(inputs: Inputs, self?: Instance): void {
  const root = rootWish(inputs);
  refuseVolume(root, self && rootWish(self.inputs));
  if (root.size < ROOT_SIZE) {
    throw new ApiError(
      "InvalidBlockDeviceMapping",
      `Volume of size ${root.size}GB is smaller than the AMI's snapshot, expect size >= ${ROOT_SIZE}GB`,
    );
  }
}

/** The properties of an instance that are not inputs. */
export function attributesOf(record: Instance, state: State) {
  const { id, inputs, chosen } = record;
  const subnet = find(state, kinds.subnet, inputs.subnetId);
  const vpc = find(state, kinds.vpc, subnet?.inputs.vpcId);
  const { type, size, iops, throughput } = volumeShape(rootWish(inputs));
  const runs = instanceRuns(id);
  const elastic = elasticAddresses(state).get(id)?.address;
  const publicIp = elastic ?? (runs ? automaticIpOf(record) : undefined);
  return {
    arn: ec2Arn("instance", id),
    availabilityZone: subnet ? zoneOf(subnet.inputs) : "",
    // AWS's provider returns false while the instance is stopped. Here that difference would replace the
    // instance, so this returns the value from the launch. AWS's provider counts elastic addresses, too.
    associatePublicIpAddress: chosen.publicIp !== undefined || elastic !== undefined,
    instanceState: runs ? "running" : "stopped",
    primaryNetworkInterfaceId: chosen.networkInterfaceId,
    privateIp: chosen.privateIp,
    privateDns: privateDnsName(chosen.privateIp),
    publicIp: publicIp ?? "",
    publicDns: publicIp === undefined ? "" : publicDnsName(publicIp),
    vpcSecurityGroupIds: vpc ? groupsOf(record, vpc) : [],
    secondaryPrivateIps: [],
    rootBlockDevice: {
      deleteOnTermination: true,
      deviceName: "/dev/xvda",
      encrypted: false,
      volumeId: chosen.rootVolumeId,
      ...inputs.rootBlockDevice,
      volumeSize: size,
      volumeType: type,
      iops,
      throughput,
    },
  };
}
