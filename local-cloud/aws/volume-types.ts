import { ApiError } from "./api-error";

/*
 * The limits of EBS's volume types. Sizes, IOPS and throughput come from the API reference
 * (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EbsBlockDevice.html, with the higher gp3
 * limits of September 2025), the ratios from the user guide
 * (https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html).
 */
interface Limits {
  /** GiB. */
  size: [number, number];
  /** Provisioned IOPS, if the type supports them, and the maximum for each GiB. */
  iops?: { range: [number, number]; perGib: number; required: boolean };
  /** Provisioned throughput in MiB/s, if the type supports it. */
  throughput?: [number, number];
}

const LIMITS: Readonly<{ [type: string]: Limits }> = {
  gp2: { size: [1, 16384] },
  gp3: {
    size: [1, 65536],
    iops: { range: [3000, 80000], perGib: 500, required: false },
    throughput: [125, 2000],
  },
  io1: { size: [4, 16384], iops: { range: [100, 64000], perGib: 50, required: true } },
  io2: { size: [4, 65536], iops: { range: [100, 256000], perGib: 1000, required: true } },
  st1: { size: [125, 16384] },
  sc1: { size: [125, 16384] },
  standard: { size: [1, 1024] },
};

/** A volume needs this many IOPS for each MiB/s of throughput. */
const IOPS_PER_MIBPS = 4;

/** EBS's volume types. */
export const VOLUME_TYPES = Object.keys(LIMITS);

function limitsOf(type: string): Limits {
  const limits = LIMITS[type];
  if (!limits) {
    throw new Error(`volume: type must be one of ${VOLUME_TYPES.join(", ")}; got "${type}"`);
  }
  return limits;
}

/** The properties of a volume. */
export interface VolumeShape {
  type: string;
  /** GiB. */
  size: number;
  /** Provisioned IOPS, or the baseline of the size; 0 for hard disks. */
  iops: number;
  /** Provisioned throughput in MiB/s; 0 for types without it. */
  throughput: number;
}

/** The properties that the program sets. */
export type VolumeWish = Partial<VolumeShape> & Pick<VolumeShape, "size">;

/**
 * Returns the properties of a volume after a change.
 *
 * @param before The current properties of an existing volume. A property that the program does not set
 *   keeps its value if the new type supports it.
 */
export function volumeShape(wish: VolumeWish, before: Partial<VolumeShape> = {}): VolumeShape {
  const type = wish.type ?? before.type ?? "gp2";
  const [now, last] = [
    limitsOf(type),
    before.type === undefined ? undefined : limitsOf(before.type),
  ];
  const baseline = type === "gp2" ? Math.min(16000, Math.max(100, 3 * wish.size)) : 0;
  return {
    type,
    size: wish.size,
    iops: now.iops ? (wish.iops ?? (last?.iops && before.iops) ?? 3000) : baseline,
    throughput: now.throughput
      ? (wish.throughput ?? (last?.throughput && before.throughput) ?? now.throughput[0])
      : 0,
  };
}

/** Throws an {@link ApiError} if EBS rejects such a volume, or such a change of the volume `before`. */
export function refuseVolume(wish: VolumeWish, before?: Partial<VolumeShape>): void {
  const { type, size, iops, throughput } = volumeShape(wish, before);
  const limits = limitsOf(type);
  const [least, most] = limits.size;
  const badSize = (why: string) =>
    new ApiError("InvalidParameterValue", `Volume of ${size}GiB is ${why}.`);
  if (!Number.isInteger(size)) {
    throw badSize("not of whole GiB");
  }
  if (size < least) {
    throw badSize(`too small for volume type ${type}; minimum is ${least}GiB`);
  }
  if (size > most) {
    throw badSize(`too large for volume type ${type}; maximum is ${most}GiB`);
  }
  if (before?.size !== undefined && size < before.size) {
    throw new ApiError(
      "InvalidParameterValue",
      `New size cannot be smaller than existing size: ${before.size} GiB`,
    );
  }
  if (limits.iops) {
    if (limits.iops.required && wish.iops === undefined && before === undefined) {
      throw new ApiError(
        "InvalidParameterCombination",
        `The parameter iops must be specified for ${type} volumes.`,
      );
    }
    within(`Volume iops of ${iops}`, iops, limits.iops.range);
    // Every gp3 volume may have the baseline IOPS.
    if (iops > Math.max(limits.iops.range[0], limits.iops.perGib * size)) {
      throw new ApiError(
        "InvalidParameterValue",
        `Iops to volume size ratio of ${iops / size} is too high; maximum is ${limits.iops.perGib}.`,
      );
    }
  } else if (wish.iops !== undefined) {
    unsupported("iops", type);
  }
  if (limits.throughput) {
    within(`Throughput of ${throughput}`, throughput, limits.throughput);
    if (throughput * IOPS_PER_MIBPS > iops) {
      throw new ApiError(
        "InvalidParameterValue",
        `Throughput (MiBps) to iops ratio of ${throughput / iops} is too high; maximum is ${1 / IOPS_PER_MIBPS} MiBps per iops.`,
      );
    }
  } else if (wish.throughput !== undefined) {
    unsupported("throughput", type);
  }
}

function within(what: string, value: number, [least, most]: [number, number]): void {
  if (!Number.isInteger(value)) {
    throw new ApiError("InvalidParameterValue", `${what} is not an integer.`);
  }
  if (value < least) {
    throw new ApiError("InvalidParameterValue", `${what} is too low; minimum is ${least}.`);
  }
  if (value > most) {
    throw new ApiError("InvalidParameterValue", `${what} is too high; maximum is ${most}.`);
  }
}

function unsupported(parameter: string, type: string): never {
  throw new ApiError(
    "InvalidParameterCombination",
    `The parameter ${parameter} is not supported for ${type} volumes.`,
  );
}
