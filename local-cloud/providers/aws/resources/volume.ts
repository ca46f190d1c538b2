import { T } from "../../../host/model";
import { ensureVolume, removeVolume, volumeExists } from "../../../host/volume";
import { TAGS, zoneName } from "../check";
import { ec2Arn, newId } from "../ids";
import { ApiError, type ResourceType } from "../resource";
import type { Values } from "../values";
import { having } from "./common";

/** Size in GiB and IOPS that each type takes, from the EBS volume types guide. */
const LIMITS: Readonly<{ [type: string]: { size: [number, number]; iops?: [number, number] } }> = {
  gp2: { size: [1, 16384] },
  gp3: { size: [1, 16384], iops: [3000, 16000] },
  io1: { size: [4, 16384], iops: [100, 64000] },
  io2: { size: [4, 65536], iops: [100, 256000] },
  st1: { size: [125, 16384] },
  sc1: { size: [125, 16384] },
  standard: { size: [1, 1024] },
};

const size = (inputs: Values) => inputs["size"] as number;
const typeName = (inputs: Values) => (inputs["type"] as string | undefined) ?? "gp2";

export const volume: ResourceType = {
  token: T.volume,
  name: "EBS Volume",
  service: "EC2",
  operations: { create: "CreateVolume", delete: "DeleteVolume" },
  schema: {
    availabilityZone: { ...zoneName, required: true, replace: true },
    size: { type: "number", required: true },
    type: { type: "string", computed: true, oneOf: Object.keys(LIMITS) },
    iops: { type: "number", computed: true },
    throughput: { type: "number", computed: true },
    encrypted: { type: "boolean", computed: true, replace: true },
    kmsKeyId: { type: "string", computed: true, replace: true },
    finalSnapshot: { type: "boolean", default: false },
    multiAttachEnabled: { type: "boolean", default: false, replace: true },
    ...TAGS,
  },
  newId: () => newId("vol"),

  refuse(inputs, _state, _around, self) {
    const limits = LIMITS[typeName(inputs)]!;
    const [least, most] = limits.size;
    if (!Number.isInteger(size(inputs)) || size(inputs) < least || size(inputs) > most) {
      throw new ApiError(
        "InvalidParameterValue",
        `Volume of ${size(inputs)}GiB is ${size(inputs) < least ? "too small" : "too large"} for volume type ${typeName(inputs)}; ${size(inputs) < least ? `minimum is ${least}GiB` : `maximum is ${most}GiB`}.`,
      );
    }
    const iops = inputs["iops"] as number | undefined;
    if (iops !== undefined && !limits.iops) {
      throw new ApiError(
        "InvalidParameterCombination",
        `The parameter iops is not supported for ${typeName(inputs)} volumes.`,
      );
    }
    if (iops !== undefined && limits.iops && (iops < limits.iops[0] || iops > limits.iops[1])) {
      throw new ApiError(
        "InvalidParameterValue",
        `Volume iops of ${iops} is not between ${limits.iops[0]} and ${limits.iops[1]}.`,
      );
    }
    const throughput = inputs["throughput"] as number | undefined;
    if (throughput !== undefined && typeName(inputs) !== "gp3") {
      throw new ApiError(
        "InvalidParameterCombination",
        `The parameter throughput is not supported for ${typeName(inputs)} volumes.`,
      );
    }
    if (throughput !== undefined && (throughput < 125 || throughput > 1000)) {
      throw new ApiError(
        "InvalidParameterValue",
        `Throughput of ${throughput} is not between 125 and 1000.`,
      );
    }
    if (self && size(inputs) < size(self.inputs)) {
      throw new ApiError(
        "InvalidParameterValue",
        `New size cannot be smaller than existing size: ${size(self.inputs)} GiB`,
      );
    }
  },
  attributes: ({ id, inputs }) => ({
    arn: ec2Arn("volume", id),
    type: typeName(inputs),
    encrypted: inputs["encrypted"] ?? false,
    iops: inputs["iops"] ?? (typeName(inputs) === "gp3" ? 3000 : Math.max(100, 3 * size(inputs))),
    throughput: inputs["throughput"] ?? (typeName(inputs) === "gp3" ? 125 : 0),
    kmsKeyId: inputs["kmsKeyId"] ?? "",
    snapshotId: "",
  }),

  apply: ({ id, inputs }) => ensureVolume(id, size(inputs)),
  exists: ({ id }) => volumeExists(id),
  usedBy: ({ id }, state) => having(state, T.volumeAttachment, "volumeId", id),
  inUse: ({ id }, [attachment]) =>
    new ApiError(
      "VolumeInUse",
      `Volume ${id} is currently attached to ${String(attachment?.inputs["instanceId"])}`,
    ),
  remove: ({ id }) => removeVolume(id),
  // Only where the volume's file is gone; else an attachment keeps AWS from deleting it.
  takesAlong: ({ id }, state) => having(state, T.volumeAttachment, "volumeId", id),
};
