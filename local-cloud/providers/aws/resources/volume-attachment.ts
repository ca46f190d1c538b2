import { attachVolume, detachVolume, instanceExists, stopInstance } from "../../../host/instance";
import { T } from "../../../host/model";
import { textHash } from "../ids";
import { ApiError, type ResourceType } from "../resource";
import { having, mustExist, text } from "./common";
import { attachedVolumes } from "./instance";

export const volumeAttachment: ResourceType = {
  token: T.volumeAttachment,
  name: "EBS Volume Attachment",
  service: "EC2",
  operations: { create: "AttachVolume", delete: "DetachVolume" },
  schema: {
    deviceName: {
      type: "string",
      required: true,
      replace: true,
      check: (name: string) =>
        /^\/dev\/(sd|xvd)[b-z][1-9]?$/.test(name)
          ? undefined
          : "must be a device name such as /dev/sdf",
    },
    instanceId: { type: "string", required: true, replace: true },
    volumeId: { type: "string", required: true, replace: true },
    forceDetach: { type: "boolean", default: false },
    skipDestroy: { type: "boolean", default: false },
    stopInstanceBeforeDetaching: { type: "boolean", default: false },
    region: { type: "string", computed: true },
  },
  newId: (inputs) =>
    `vai-${textHash(["deviceName", "instanceId", "volumeId"].map((n) => `${text(inputs, n)}-`).join(""))}`,

  refuse(inputs, state, _around, self) {
    if (self) return;
    const instance = mustExist(
      state, T.instance, inputs["instanceId"], "InvalidInstanceID.NotFound", "instance ID",
    ); // prettier-ignore
    const volume = mustExist(
      state, T.volume, inputs["volumeId"], "InvalidVolume.NotFound", "volume",
    ); // prettier-ignore
    const attached = having(state, T.volumeAttachment, "volumeId", volume.id)[0];
    if (attached) {
      throw new ApiError(
        "VolumeInUse",
        `${volume.id} is already attached to an instance (${text(attached.inputs, "instanceId")})`,
      );
    }
    const zone = state.records[text(instance.inputs, "subnetId")]?.inputs["availabilityZone"];
    if (zone !== undefined && volume.inputs["availabilityZone"] !== zone) {
      throw new ApiError(
        "InvalidVolume.ZoneMismatch",
        `The volume '${volume.id}' is not in the same availability zone as instance '${instance.id}'`,
      );
    }
    const device = text(inputs, "deviceName");
    if (
      having(state, T.volumeAttachment, "instanceId", instance.id).some(
        (a) => a.inputs["deviceName"] === device,
      )
    ) {
      throw new ApiError(
        "InvalidParameterValue",
        `Invalid value '${device}' for unixDevice. Attachment point ${device} is already in use`,
      );
    }
  },
  attributes: () => ({}),

  async apply({ inputs }) {
    const instanceId = text(inputs, "instanceId");
    await attachVolume(instanceId, attachedVolumes(instanceId));
  },
  async remove({ inputs }) {
    const [instanceId, volumeId] = [text(inputs, "instanceId"), text(inputs, "volumeId")];
    if (inputs["skipDestroy"] === true || !instanceExists(instanceId)) return;
    if (inputs["stopInstanceBeforeDetaching"] === true) await stopInstance(instanceId);
    const rest = attachedVolumes(instanceId).filter((id) => id !== volumeId);
    const detached = await detachVolume(instanceId, volumeId, rest);
    if (!detached && inputs["forceDetach"] !== true) {
      throw new Error(
        `deleting EBS Volume Attachment: operation error EC2: DetachVolume, api error IncorrectState: volume ${volumeId} is busy: instance ${instanceId} has it mounted. Unmount it there, or set stopInstanceBeforeDetaching.`,
      );
    }
  },
};
