/*
 * The inter-broker protocol. Brokers of an older release do not know a newer protocol, so an upgrade has
 * two rounds. In the first, every broker gets the new release and keeps its protocol. In the second,
 * every broker gets the new protocol.
 */
import type { ServiceFiles } from "../service/files";
import { readProperties } from "../service/properties";

const KEY = "inter.broker.protocol.version";

/** File on the data volume with the protocol that the broker last started with. The data depends on it. */
export const PROTOCOL_NOTE = "/data/kafka-protocol";

/** The protocol that a configuration names, such as `3.9`. */
export function protocolOf(config: string): string {
  const protocol = readProperties(config).get(KEY);
  if (protocol === undefined) {
    throw new Error(`server.properties must name ${KEY}`);
  }
  return protocol;
}

/** Returns the files with another protocol. */
export function withProtocol(files: ServiceFiles, protocol: string): ServiceFiles {
  const config = files.config.replace(
    /^inter\.broker\.protocol\.version=.*$/m,
    `${KEY}=${protocol}`,
  );
  return { ...files, config };
}

/** The protocol of a release: `3.9` for `kafka_2.13-3.9.1`. */
export function protocolOfRelease(release: string): string {
  return versionOf(release).split(".").slice(0, 2).join(".");
}

/** `3.9.1` of `kafka_2.13-3.9.1`. */
export function versionOf(release: string): string {
  return release.slice(release.lastIndexOf("-") + 1);
}

/** Compares two versions by their numbers: negative if the first is older. */
export function compareVersions(one: string, other: string): number {
  const [first, second] = [one, other].map((text) => text.split(".").map(Number));
  for (let at = 0; at < Math.max(first?.length ?? 0, second?.length ?? 0); at++) {
    const difference = (first?.[at] ?? 0) - (second?.[at] ?? 0);
    if (difference !== 0) {
      return difference;
    }
  }
  return 0;
}

/** Returns why a release cannot run on a broker's data; undefined if it can. */
export function releaseFault(
  wanted: ServiceFiles,
  present: string | undefined,
): string | undefined {
  if (present === undefined || compareVersions(protocolOf(wanted.config), present) >= 0) {
    return undefined;
  }
  return (
    `setting "kafkalab:kafkaVersion": it must be ${present} or later, the ${KEY} that is in force here; ` +
    `got ${versionOf(wanted.release)}, which may not read what brokers have written since. Nothing ` +
    `was changed here. Set it to a release of ${present} or a later one; an older one needs a new lab.`
  );
}
