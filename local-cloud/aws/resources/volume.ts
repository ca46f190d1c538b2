import { T } from "../../machine/model";
import type { Record } from "../../machine/store";
import { ensureVolume, removeVolume, volumeExists } from "../../machine/volume";
import { TAGS, zoneName } from "../check";
import { ec2Arn, newId } from "../ids";
import { ApiError, type ResourceType } from "../resource";
import type { Values } from "../values";
import { refuseVolume, VOLUME_TYPES, volumeShape, type VolumeWish } from "../volume-types";
import { having } from "./common";

const wish = (inputs: Values) => inputs as unknown as VolumeWish;
/** What a volume is like, by what is asked for and what it was before. */
const shape = ({ inputs, chosen }: Record) => volumeShape(wish(inputs), chosen);

export const volume: ResourceType = {
  token: T.volume,
  name: "EBS Volume",
  service: "EC2",
  operations: { create: "CreateVolume", delete: "DeleteVolume" },
  schema: {
    availabilityZone: { ...zoneName, required: true, replace: true },
    size: { type: "number", required: true },
    type: { type: "string", computed: true, oneOf: VOLUME_TYPES },
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
    refuseVolume(wish(inputs), self && shape(self));
  },
  choose: (inputs) => ({ ...volumeShape(wish(inputs)) }),
  rechoose: (inputs, self) => ({ ...volumeShape(wish(inputs), shape(self)) }),
  attributes: (record) => ({
    arn: ec2Arn("volume", record.id),
    ...shape(record),
    encrypted: record.inputs["encrypted"] ?? false,
    kmsKeyId: record.inputs["kmsKeyId"] ?? "",
    snapshotId: "",
  }),

  apply: ({ id, inputs }) => ensureVolume(id, wish(inputs).size),
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
