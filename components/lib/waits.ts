/*
 * Time limits of a host's first boot. Each wait is shorter than the wait that includes it.
 */

/** The first boot waits this long for the data volume, which Pulumi attaches meanwhile. */
export const VOLUME_SECONDS = 300;

/** The install script waits this long for the first boot: cloud-init, the volume and its file system. */
export const FIRST_BOOT_SECONDS = VOLUME_SECONDS + 180;
