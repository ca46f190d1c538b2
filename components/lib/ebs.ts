import { type Breach, type Rule } from "./setting-reader";

/** A data volume as EBS takes it. What is not given is what the type brings. */
export interface DataVolume {
  type: VolumeType;
  gib: number;
  iops?: number;
  throughputMiBps?: number;
}

/** From and to, both included. */
type Range = readonly [number, number];

interface Limits {
  gib: Range;
  iops?: { range: Range; perGiB: number; required: boolean };
  throughputMiBps?: { range: Range; perIops: number };
}

/** IOPS that a gp3 volume has at any size, without being asked for. */
const GP3_BASELINE_IOPS = 3000;

/** Limits of a volume, from the EBS user guide, "Amazon EBS volume types" (2025). */
const LIMITS = {
  gp3: {
    gib: [1, 65_536],
    iops: { range: [GP3_BASELINE_IOPS, 80_000], perGiB: 500, required: false },
    throughputMiBps: { range: [125, 2000], perIops: 0.25 },
  },
  gp2: { gib: [1, 16_384] },
  io2: { gib: [4, 65_536], iops: { range: [100, 256_000], perGiB: 1000, required: true } },
  io1: { gib: [4, 16_384], iops: { range: [100, 64_000], perGiB: 50, required: true } },
  st1: { gib: [125, 16_384] },
} as const satisfies Record<string, Limits>;

/** A type that a data volume may have. */
export type VolumeType = keyof typeof LIMITS;

export const VOLUME_TYPES = Object.keys(LIMITS);

const limitsOf = (type: VolumeType): Limits => LIMITS[type];

/** GiB of a volume. */
export function size(type: VolumeType): Rule<number> {
  const [from, to] = limitsOf(type).gib;
  return (value) => outside(value, [from, to], "GiB", type, `Take ${Math.max(from, 20)}`);
}

/** IOPS of a volume; 0 for what the type brings. */
export function iops(type: VolumeType, gib: number): Rule<number> {
  const limits = limitsOf(type).iops;
  return (value) => {
    if (limits === undefined) {
      return value === 0 ? undefined : unwanted(type);
    }
    if (value === 0) {
      return limits.required ? missing(type, limits.range[0]) : undefined;
    }
    const most = Math.max(limits.range[0], gib * limits.perGiB);
    return (
      outside(value, limits.range, "IOPS", type, `Take ${limits.range[0]}`) ??
      (value > most
        ? {
            rule: `not be above ${limits.perGiB} a GiB, so ${most} for ${gib} GiB of ${type}`,
            remedy: `Take ${most} or less, or a larger volume`,
          }
        : undefined)
    );
  };
}

/** MiB/s of a volume with the provisioned IOPS; 0 for what the type brings. */
export function throughput(type: VolumeType, provisioned: number, iopsName: string): Rule<number> {
  const limits = limitsOf(type).throughputMiBps;
  return (value) => {
    if (value === 0) {
      return undefined;
    }
    if (limits === undefined) {
      return unwanted(type);
    }
    const most = (provisioned === 0 ? GP3_BASELINE_IOPS : provisioned) * limits.perIops;
    return (
      outside(value, limits.range, "MiB/s", type, `Take ${limits.range[0]}`) ??
      (value > most
        ? {
            rule: `not be above ${limits.perIops} MiB/s per IOPS, so ${most} here`,
            remedy: `Take ${most} or less, or set kafkalab:${iopsName} to ${value / limits.perIops}`,
          }
        : undefined)
    );
  };
}

function outside(
  value: number,
  [from, to]: Range,
  unit: string,
  type: VolumeType,
  remedy: string,
): Breach | undefined {
  return value < from || value > to
    ? { rule: `be from ${from} to ${to} (${unit} of ${type})`, remedy }
    : undefined;
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
