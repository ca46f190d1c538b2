import { realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

/**
 * All that is kept of the labs of one account. Tests point `KAFKALAB_STATE` elsewhere. Without
 * symbolic links, as the kernel's lists of mounts and of loop devices have it.
 */
export const stateDir = withoutLinks(process.env["KAFKALAB_STATE"] ?? "/var/lib/kafkalab");

/** Everything that the local cloud remembers: records, disks, console logs. Only root may enter. */
export const cloudDir = join(stateDir, "cloud");

/** Files of running daemons; gone after a reboot of the machine, as the daemons are. */
export const runDir = "/run/kafkalab";

/** What set-up made for this checkout: `.lab/`. The plugin's start script says where it is. */
export const labDir = resolve(process.env["KAFKALAB_LAB"] ?? ".lab");

export const instanceDir = (id: string) => join(cloudDir, "instances", id);
export const volumeFile = (id: string) => join(cloudDir, "volumes", `${id}.img`);
export const vpcRunDir = (id: string) => join(runDir, id);

/** The network namespace of a VPC (its router) or of an instance (its network interface). */
export const namespace = (id: string) => `kafkalab-${id}`;

/** The path without symbolic links, as far as it is there. */
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
