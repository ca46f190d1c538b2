import { realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

/**
 * The directory with all data of the labs of one account. Tests set `KAFKALAB_STATE` to another directory.
 * The path contains no symbolic links, like the paths in the kernel's lists of mounts and loop devices.
 */
export const stateDir = withoutLinks(process.env["KAFKALAB_STATE"] ?? "/var/lib/kafkalab");

/** The data of the local cloud: records, disks, console logs. Only root can read it. */
export const cloudDir = join(stateDir, "cloud");

/** Files of running daemons. A reboot of the machine removes them. */
export const runDir = "/run/kafkalab";

/** The files that the setup created for this checkout: `.lab/`. The plugin's start script sets the path. */
export const labDir = resolve(process.env["KAFKALAB_LAB"] ?? ".lab");

export const instanceDir = (id: string) => join(cloudDir, "instances", id);
export const volumeFile = (id: string) => join(cloudDir, "volumes", `${id}.img`);
export const vpcRunDir = (id: string) => join(runDir, id);

/** The network namespace of a VPC (its router) or of an instance (its network interface). */
export const namespace = (id: string) => `kafkalab-${id}`;

/** Resolves the symbolic links in the existing part of a path. */
function withoutLinks(path: string): string {
  const absolute = resolve(path);
  try {
    return realpathSync(absolute);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || absolute === "/") {
      throw error;
    }
    return join(withoutLinks(dirname(absolute)), basename(absolute));
  }
}

/** The unit of an instance, on a machine whose PID 1 is systemd. */
export const hostUnitName = (id: string) => `kafkalab-${id}.service`;
