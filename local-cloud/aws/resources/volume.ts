import { ensureVolume, removeVolume, volumeExists } from "../../machine/volume";
import { ApiError } from "../api-error";
import { ec2Arn, newId } from "../ids";
import type { RecordOf } from "../kind";
import * as kinds from "../kinds";
import { having, isOf } from "../records";
import { resourceType } from "../resource";
import { refuseVolume, volumeShape } from "../volume-types";

/** The properties of a volume, from its inputs and its former properties. */
const shape = ({ inputs, chosen }: RecordOf<typeof kinds.volume>) => volumeShape(inputs, chosen);

export const volume = resourceType(kinds.volume, {
  name: "EBS Volume",
  service: "EC2",
  operations: { create: "CreateVolume", delete: "DeleteVolume" },
  newId: () => newId("vol"),

  refuse(inputs, _state, _around, self) {
    refuseVolume(inputs, self && shape(self));
  },
  choose: (inputs) => volumeShape(inputs),
  rechoose: (inputs, self) => volumeShape(inputs, shape(self)),
  attributes: (record) => ({
    arn: ec2Arn("volume", record.id),
    ...shape(record),
    encrypted: record.inputs.encrypted ?? false,
    kmsKeyId: record.inputs.kmsKeyId ?? "",
    snapshotId: "",
  }),

  apply: ({ id, inputs }) => ensureVolume(id, inputs.size),
  exists: ({ id }) => volumeExists(id),
  usedBy: ({ id }, state) => having(state, kinds.volumeAttachment, "volumeId", id),
  inUse: ({ id }, [user]) => {
    const instanceId = isOf(kinds.volumeAttachment, user) ? user.inputs.instanceId : user?.id;
    return new ApiError("VolumeInUse", `Volume ${id} is currently attached to ${instanceId}`);
  },
  remove: ({ id }) => removeVolume(id),
  // This happens only if the volume's file is missing. Otherwise an attachment prevents the deletion.
  takesAlong: ({ id }, state) => having(state, kinds.volumeAttachment, "volumeId", id),
});
