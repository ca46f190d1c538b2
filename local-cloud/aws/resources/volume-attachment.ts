import { attachVolumes, detachVolume } from "../../machine/attachments";
import { stopInstance } from "../../machine/instance";
import { ApiError } from "../api-error";
import { textHash } from "../ids";
import * as kinds from "../kinds";
import { attachedVolumes } from "../power";
import { find, having, mustExist } from "../records";
import { resourceType } from "../resource";
import { zoneOf } from "../subnet-addresses";

export const volumeAttachment = resourceType(kinds.volumeAttachment, {
  name: "EBS Volume Attachment",
  service: "EC2",
  operations: { create: "AttachVolume", delete: "DetachVolume" },
  newId: ({ deviceName, instanceId, volumeId }) =>
    `vai-${textHash(`${deviceName}-${instanceId}-${volumeId}-`)}`,

  refuse({ deviceName, instanceId, volumeId }, state, _around, self) {
    if (self) {
      return;
    }
    const instance = mustExist(state, kinds.instance, instanceId);
    const volume = mustExist(state, kinds.volume, volumeId);
    const [attached] = having(state, kinds.volumeAttachment, "volumeId", volume.id);
    if (attached) {
      throw new ApiError(
        "VolumeInUse",
        `${volume.id} is already attached to an instance (${attached.inputs.instanceId})`,
      );
    }
    const subnet = find(state, kinds.subnet, instance.inputs.subnetId);
    if (subnet && volume.inputs.availabilityZone !== zoneOf(subnet.inputs)) {
      throw new ApiError(
        "InvalidVolume.ZoneMismatch",
        `The volume '${volume.id}' is not in the same availability zone as instance '${instance.id}'`,
      );
    }
    const others = having(state, kinds.volumeAttachment, "instanceId", instance.id);
    if (others.some(({ inputs }) => inputs.deviceName === deviceName)) {
      throw new ApiError(
        "InvalidParameterValue",
        `Invalid value '${deviceName}' for unixDevice. Attachment point ${deviceName} is already in use`,
      );
    }
  },
  choose({ instanceId }, state) {
    const others = having(state, kinds.volumeAttachment, "instanceId", instanceId);
    const taken = new Set(others.map(({ chosen }) => chosen.index));
    let index = 1;
    while (taken.has(index)) {
      index++;
    }
    return { index };
  },
  attributes: () => ({}),

  apply: ({ inputs: { instanceId } }) => attachVolumes(instanceId, attachedVolumes(instanceId)),
  async remove({ inputs, chosen: { index } }) {
    const { instanceId, volumeId } = inputs;
    if (inputs.skipDestroy === true) {
      return;
    }
    if (inputs.stopInstanceBeforeDetaching === true) {
      await stopInstance(instanceId);
    }
    const others = attachedVolumes(instanceId).filter((other) => other.volumeId !== volumeId);
    const force = inputs.forceDetach === true;
    if (!(await detachVolume(instanceId, { volumeId, index }, others, force))) {
      throw new ApiError(
        "IncorrectState",
        `volume ${volumeId} is busy: instance ${instanceId} has it mounted. Unmount it there, or set stopInstanceBeforeDetaching.`,
      );
    }
  },
});
