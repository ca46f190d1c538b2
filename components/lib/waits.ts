/*
 * How long a host waits, and how long others wait for it. Each wait fits into the next one.
 */

/** The first boot for the data volume, which is attached while it boots. */
export const VOLUME_SECONDS = 300;

/** The install script for the first boot: cloud-init, the volume, the file system on it. */
export const FIRST_BOOT_SECONDS = VOLUME_SECONDS + 180;
