/** The EBS types that a data volume may have. */
export const VOLUME_TYPES = ["gp3", "gp2", "io2", "io1", "st1"] as const;

export type VolumeType = (typeof VOLUME_TYPES)[number];

/** A data volume as EBS takes it. */
export interface DataVolume {
  type: VolumeType;
  gib: number;
  /** Provisioned IOPS; by default what the type includes. */
  iops?: number;
  /** Provisioned throughput; by default what the type includes. */
  throughputMiBps?: number;
}
