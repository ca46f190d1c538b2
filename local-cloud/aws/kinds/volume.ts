import * as z from "zod";
import { computed, kind, replaces } from "../kind";
import { flag, IN_REGION, TAGS, zoneName } from "../properties";
import { VOLUME_TYPES } from "../volume-types";

export const volume = kind({
  token: "aws:ebs/volume:Volume",
  notFound: { code: "InvalidVolume.NotFound", what: "volume" },
  inputs: {
    availabilityZone: replaces(zoneName),
    size: z.number(),
    type: computed(z.enum(VOLUME_TYPES)),
    iops: computed(z.number()),
    throughput: computed(z.number()),
    encrypted: replaces(computed(z.boolean())),
    kmsKeyId: replaces(computed(z.string())),
    finalSnapshot: flag(false),
    multiAttachEnabled: replaces(flag(false)),
    ...TAGS,
  },
  chosen: { type: z.string(), size: z.number(), iops: z.number(), throughput: z.number() },
});

const deviceName = z
  .string()
  .refine(
    (name) => /^\/dev\/(sd|xvd)[b-z][1-9]?$/.test(name),
    "must be a device name such as /dev/sdf",
  );

export const volumeAttachment = kind({
  token: "aws:ec2/volumeAttachment:VolumeAttachment",
  inputs: {
    deviceName: replaces(deviceName),
    instanceId: replaces(z.string()),
    volumeId: replaces(z.string()),
    forceDetach: flag(false),
    skipDestroy: flag(false),
    stopInstanceBeforeDetaching: flag(false),
    ...IN_REGION,
  },
  /** The volume's number among the NVMe devices of the instance. */
  chosen: { index: z.number() },
});
