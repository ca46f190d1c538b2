import { type DataVolume, VOLUME_TYPES, type VolumeType } from "../lib/ebs";
import { type Breach } from "./breach";
import { choice, type Context, integer } from "./define";
import { breach } from "./rules";

/** The lowest and the highest allowed value. */
type Range = readonly [number, number];

interface Limits {
  gib: Range;
  iops?: { range: Range; perGiB: number; required: boolean };
  throughputMiBps?: { range: Range; perIops: number };
}

/** IOPS that every gp3 volume includes. */
const GP3_BASELINE_IOPS = 3000;

/** Limits of a volume, from the EBS user guide, "Amazon EBS volume types" (2025). */
const LIMITS: Record<VolumeType, Limits> = {
  gp3: {
    gib: [1, 65_536],
    iops: { range: [GP3_BASELINE_IOPS, 80_000], perGiB: 500, required: false },
    throughputMiBps: { range: [125, 2000], perIops: 0.25 },
  },
  gp2: { gib: [1, 16_384] },
  io2: { gib: [4, 65_536], iops: { range: [100, 256_000], perGiB: 1000, required: true } },
  io1: { gib: [4, 16_384], iops: { range: [100, 64_000], perGiB: 50, required: true } },
  st1: { gib: [125, 16_384] },
};

/**
 * The four settings of one role's data volumes, and the volume that they describe.
 *
 * @param defaultGiB The default size of a volume in GiB.
 */
export function volumeOf<R extends "broker" | "zookeeper">(role: R, defaultGiB: number) {
  const node = role === "broker" ? "broker" : "ZooKeeper node";
  const change = "A change modifies the volume while the node runs.";
  const type = choice({
    name: `${role}VolumeType`,
    words: VOLUME_TYPES,
    default: "gp3",
    text: `The EBS type of each ${node}'s data volume.`,
    change,
    example: "gp2",
  });
  const gib = integer({
    name: `${role}VolumeGiB`,
    default: defaultGiB,
    rule: {
      text: `be as large as the type allows: ${sizes()}`,
      check: (value, context) => badSize(value, context.get(type)),
    },
    text: `The size of each ${node}'s data volume in GiB.`,
    change:
      "A change grows the volume and its file system while the node runs. A volume cannot shrink.",
    example: 2 * defaultGiB,
  });
  const iops = integer({
    name: `${role}VolumeIops`,
    default: 0,
    rule: {
      text:
        "be 0 or, for gp3, from 3000 to 80000 and at most 500 a GiB; io2 and io1 need a value; gp2 " +
        "and st1 take none",
      check: (value, context) => badIops(value, context.get(type), context.get(gib)),
    },
    text: `The provisioned IOPS of each ${node}'s data volume; 0 for what the type includes (gp3: 3000).`,
    change,
    example: 4000,
  });
  const throughput = integer({
    name: `${role}VolumeThroughputMiBps`,
    default: 0,
    rule: {
      text: "be 0 or, for gp3 only, from 125 to 2000 and at most a quarter of the IOPS",
      check: (value, context) =>
        badThroughput(value, context.get(type), context.get(iops), iops.name),
    },
    text:
      `The provisioned throughput of each ${node}'s data volume in MiB/s; 0 for what the type ` +
      "includes (gp3: 125).",
    change,
    example: 250,
  });
  return {
    settings: [gib, type, iops, throughput] as const,
    read: (context: Context): DataVolume => ({
      type: context.get(type),
      gib: context.get(gib),
      iops: context.get(iops) || undefined,
      throughputMiBps: context.get(throughput) || undefined,
    }),
  };
}

/** The sizes of all types, as in "1 to 65536 for gp3". */
function sizes(): string {
  return VOLUME_TYPES.map((type) => `${LIMITS[type].gib.join(" to ")} for ${type}`).join(", ");
}

function badSize(value: number, type: VolumeType): Breach | undefined {
  const { gib } = LIMITS[type];
  return outside(value, gib, "GiB", type, `Take ${Math.max(gib[0], 20)}`);
}

function badIops(value: number, type: VolumeType, gib: number): Breach | undefined {
  const limits = LIMITS[type].iops;
  if (limits === undefined) {
    return value === 0 ? undefined : unwanted(type);
  }
  if (value === 0) {
    return limits.required ? missing(type, limits.range[0]) : undefined;
  }
  const most = Math.max(limits.range[0], gib * limits.perGiB);
  return (
    outside(value, limits.range, "IOPS", type, `Take ${limits.range[0]}`) ??
    breach(
      value > most,
      `not be above ${limits.perGiB} a GiB, so ${most} for ${gib} GiB of ${type}`,
      `Take ${most} or less, or a larger volume`,
    )
  );
}

function badThroughput(
  value: number,
  type: VolumeType,
  provisionedIops: number,
  iopsName: string,
): Breach | undefined {
  const limits = LIMITS[type].throughputMiBps;
  if (value === 0) {
    return undefined;
  }
  if (limits === undefined) {
    return unwanted(type);
  }
  const most = (provisionedIops === 0 ? GP3_BASELINE_IOPS : provisionedIops) * limits.perIops;
  return (
    outside(value, limits.range, "MiB/s", type, `Take ${limits.range[0]}`) ??
    breach(
      value > most,
      `not be above ${limits.perIops} MiB/s per IOPS, so ${most} here`,
      `Take ${most} or less, or set kafkalab:${iopsName} to ${value / limits.perIops}`,
    )
  );
}

function outside(
  value: number,
  [from, to]: Range,
  unit: string,
  type: VolumeType,
  remedy: string,
): Breach | undefined {
  const rule = `be from ${from} to ${to} (${unit} of ${type})`;
  return breach(value < from || value > to, rule, remedy);
}

function unwanted(type: VolumeType): Breach {
  return { rule: `not be set for ${type}, which takes none`, remedy: "Leave it out, or take gp3" };
}

function missing(type: VolumeType, least: number): Breach {
  return {
    rule: `be set for ${type}, which brings none`,
    remedy: `Take ${least} or more, or the type gp3`,
  };
}
