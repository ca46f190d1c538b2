/** The EBS volume types that the lab supports. */
export const VOLUME_TYPES = ["gp3", "gp2", "io2", "io1", "st1"] as const;

export type VolumeType = (typeof VOLUME_TYPES)[number];

/** A data volume in the terms of EBS. */
export interface DataVolume {
  type: VolumeType;
  gib: number;
  /** Provisioned IOPS. @default the baseline of the type */
  iops?: number;
  /** Provisioned throughput. @default the baseline of the type */
  throughputMiBps?: number;
}
