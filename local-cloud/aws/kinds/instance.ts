import * as z from "zod";
import { computed, kind, replaces, replacesIf, unordered } from "../kind";
import { address, flag, IN_REGION, TAGS, zoneName } from "../properties";
import { VOLUME_TYPES } from "../volume-types";

export const keyPair = kind({
  token: "aws:ec2/keyPair:KeyPair",
  inputs: { keyName: replaces(computed(z.string())), publicKey: replaces(z.string()), ...TAGS },
  chosen: { keyPairId: z.string() },
});

const rootBlockDevice = z.strictObject({
  deleteOnTermination: flag(true),
  encrypted: replaces(computed(z.boolean())),
  iops: computed(z.number()),
  kmsKeyId: replaces(computed(z.string())),
  tags: z.record(z.string(), z.string()).optional(),
  throughput: computed(z.number()),
  volumeSize: computed(z.number()),
  volumeType: computed(z.enum(VOLUME_TYPES)),
});

const onOff = z.enum(["enabled", "disabled"]);

const metadataOptions = z.strictObject({
  httpEndpoint: computed(onOff),
  httpTokens: computed(z.enum(["optional", "required"])),
  httpPutResponseHopLimit: computed(
    z
      .number()
      .refine(
        (hops) => Number.isInteger(hops) && hops >= 1 && hops <= 64,
        "must be an integer from 1 to 64",
      ),
  ),
  httpProtocolIpv6: computed(onOff),
  instanceMetadataTags: computed(onOff),
});

export const instance = kind({
  token: "aws:ec2/instance:Instance",
  notFound: { code: "InvalidInstanceID.NotFound", what: "instance ID" },
  inputs: {
    ami: replaces(z.string()),
    instanceType: z.string(),
    subnetId: replaces(z.string()),
    privateIp: replaces(computed(address)),
    availabilityZone: replaces(computed(zoneName)),
    associatePublicIpAddress: replaces(computed(z.boolean())),
    keyName: replaces(computed(z.string())),
    vpcSecurityGroupIds: computed(unordered(z.array(z.string()))),
    userData: replacesIf("userDataReplaceOnChange", computed(z.string())),
    userDataBase64: replacesIf("userDataReplaceOnChange", computed(z.string())),
    userDataReplaceOnChange: flag(false),
    rootBlockDevice: computed(rootBlockDevice),
    metadataOptions: computed(metadataOptions),
    creditSpecification: computed(
      z.strictObject({ cpuCredits: computed(z.enum(["standard", "unlimited"])) }),
    ),
    disableApiStop: computed(z.boolean()),
    disableApiTermination: computed(z.boolean()),
    ebsOptimized: replaces(computed(z.boolean())),
    forceDestroy: flag(false),
    iamInstanceProfile: computed(z.string()),
    instanceInitiatedShutdownBehavior: computed(z.enum(["stop", "terminate"])),
    monitoring: computed(z.boolean()),
    sourceDestCheck: flag(true),
    tenancy: replaces(computed(z.string())),
    volumeTags: z.record(z.string(), z.string()).optional(),
    ...TAGS,
  },
  chosen: {
    mac: z.string(),
    privateIp: z.string(),
    imageRoot: z.string(),
    networkInterfaceId: z.string(),
    rootVolumeId: z.string(),
    /** The current address. While the instance is stopped, its last one: the next must differ. */
    publicIp: z.string().optional(),
    /** When it was last started, in RFC 3339; absent in a record of an earlier release. */
    launchTime: z.string().optional(),
    /** Whether somebody stopped the instance on purpose. If so, it stays stopped. */
    stopped: z.boolean().optional(),
  },
});

export const instanceState = kind({
  token: "aws:ec2transitgateway/instanceState:InstanceState",
  inputs: {
    instanceId: replaces(z.string()),
    state: z.enum(["running", "stopped"]),
    force: flag(false),
    ...IN_REGION,
  },
  chosen: {},
});
