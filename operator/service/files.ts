import { createHash } from "node:crypto";

/** The files that determine how a service runs. */
export interface ServiceFiles {
  /** Directory of the release: `kafka_2.13-3.9.1`. */
  release: string;
  config: string;
  logging: string;
  unit: string;
  /**
   * Files that hold secrets, in the directory of {@link secretsDirectory}: text by path. A path contains a
   * hash of its text ({@link secretFile}), so the configuration or the unit that names the path decides
   * everything. A host does not report these texts. @default none
   */
  secrets?: Readonly<Record<string, string>>;
}

/** Directory on a host with the files of a service that hold secrets. Others than root and its group cannot read it. */
export function secretsDirectory(service: string): string {
  return `/etc/kafkalab/${service}.secrets`;
}

/**
 * Returns the path of a file that holds a secret. Another text has another path, so that a service whose
 * new files fail can return to its former ones.
 *
 * @param service systemd unit without `.service`.
 * @param kind What the file is: `jaas`.
 * @param extension With the dot.
 */
export function secretFile(service: string, kind: string, extension: string, text: string): string {
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 16);
  return `${secretsDirectory(service)}/${kind}-${digest}${extension}`;
}

/** The secrets as the scripts on a host read them: one `PATH BASE64` per line. */
export function secretLines(secrets: ServiceFiles["secrets"] = {}): string {
  return Object.entries(secrets)
    .map(([path, text]) => `${path} ${Buffer.from(text).toString("base64")}`)
    .join("\n");
}

/**
 * Returns a note that identifies the files of a service. It ignores comments in the configuration, and the
 * texts of secrets, because their paths identify them. The
 * unit copies the note to `/run` when the service starts, so the copy identifies the files that the
 * running process was started with.
 */
export function noteOf({ release, config, logging, unit }: ServiceFiles): string {
  const lines = config.split("\n").filter((line) => !line.startsWith("#"));
  const digest = createHash("sha256").update(JSON.stringify([release, lines, logging, unit]));
  return `${release} ${digest.digest("hex")}`;
}
