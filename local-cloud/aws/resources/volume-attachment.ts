import { attachVolumes, detachVolume, stopInstance } from "../../machine/instance";
import { T } from "../../machine/model";
import { IN_REGION } from "../check";
import { textHash } from "../ids";
import { ApiError, type ResourceType } from "../resource";
import { having, mustBeInstance, mustExist, text } from "./common";
import { attachedVolumes } from "./instance";
import { zoneOf } from "./subnet";

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
    ...IN_REGION,
  },
  newId: (inputs) =>
    `vai-${textHash(["deviceName", "instanceId", "volumeId"].map((n) => `${text(inputs, n)}-`).join(""))}`,

  refuse(inputs, state, _around, self) {
    if (self) return;
    const instance = mustBeInstance(state, inputs["instanceId"]);
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
    const subnet = state.records[text(instance.inputs, "subnetId")];
    if (subnet && volume.inputs["availabilityZone"] !== zoneOf(subnet.inputs)) {
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
  choose(inputs, state) {
    const others = having(state, T.volumeAttachment, "instanceId", inputs["instanceId"]);
    const taken = new Set(others.map((other) => other.chosen["index"]));
    let index = 1;
    while (taken.has(index)) index++;
    return { index };
  },
  attributes: () => ({}),

  async apply({ inputs }) {
    const instanceId = text(inputs, "instanceId");
    await attachVolumes(instanceId, attachedVolumes(instanceId));
  },
  async remove({ inputs, chosen }) {
    const [instanceId, volumeId] = [text(inputs, "instanceId"), text(inputs, "volumeId")];
    if (inputs["skipDestroy"] === true) return;
    if (inputs["stopInstanceBeforeDetaching"] === true) await stopInstance(instanceId);
    const detached = await detachVolume(
      instanceId,
      { volumeId, index: chosen["index"] as number },
      attachedVolumes(instanceId).filter((other) => other.volumeId !== volumeId),
      inputs["forceDetach"] === true,
    );
    if (!detached) {
      throw new ApiError(
        "IncorrectState",
        `volume ${volumeId} is busy: instance ${instanceId} has it mounted. Unmount it there, or set stopInstanceBeforeDetaching.`,
      );
    }
  },
};
