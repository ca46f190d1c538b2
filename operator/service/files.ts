import { createHash } from "node:crypto";

/** The files that determine how a service runs. */
export interface ServiceFiles {
  /** Directory of the release: `kafka_2.13-3.9.1`. */
  release: string;
  config: string;
  logging: string;
  unit: string;
}

/**
 * Returns a note that identifies the files of a service. It ignores comments in the configuration. The
 * unit copies the note to `/run` when the service starts, so the copy identifies the files that the
 * running process was started with.
 */
export function noteOf({ release, config, logging, unit }: ServiceFiles): string {
  const lines = config.split("\n").filter((line) => !line.startsWith("#"));
  const digest = createHash("sha256").update(JSON.stringify([release, lines, logging, unit]));
  return `${release} ${digest.digest("hex")}`;
}
