import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The two products that the lab installs from an archive. */
export type Product = "kafka" | "zookeeper";

/** One archive that may serve for a version, with the checksum that it must have. */
export interface Archive {
  file: string;
  /** SHA-512, in lower-case hex. */
  sha512: string;
  origin: "apache" | "maven";
}

/** Product → version → archives, in the order in which they are tried. */
export type Pins = Record<Product, Record<string, Archive[]>>;

/** The pinned archives: the one place that says which versions can be installed. */
export function readPins(): Pins {
  return JSON.parse(readFileSync(join(__dirname, "archives.json"), "utf8")) as Pins;
}

/** The directory that an archive of this version unpacks to, under `/usr/local`. */
export function directoryName(product: Product, version: string): string {
  return product === "kafka" ? `kafka_2.13-${version}` : `apache-zookeeper-${version}-bin`;
}

/** Where an archive server of Apache's layout keeps the files of this version. */
export function archiveDirectory(archiveUrl: string, product: Product, version: string): string {
  return product === "kafka"
    ? `${archiveUrl}/kafka/${version}`
    : `${archiveUrl}/zookeeper/zookeeper-${version}`;
}

/** Apache's servers in the order to try: the mirror network has only current releases. */
const APACHE_SERVERS = ["https://dlcdn.apache.org", "https://archive.apache.org/dist"];

/** The name of the server that set-up's archives are served by, in each VPC of the local cloud. */
export const LOCAL_MIRROR = "mirror.local-cloud.internal";

/** The names of the servers that hosts download archives from. */
export function archiveHosts(archiveUrl: string): string[] {
  const servers = archiveUrl === "" ? APACHE_SERVERS : [archiveUrl];
  return servers.map((server) => new URL(server).hostname);
}

/** Whether archives come from Apache, who has no archive that set-up packs from Maven's jars. */
export function fromApache(archiveUrl: string): boolean {
  return archiveHosts(archiveUrl).every((host) => host.endsWith(".apache.org"));
}

/**
 * What the install script reads: one archive a line, `<URL> <SHA-512>`, in the order to try.
 *
 * @param archiveUrl A server of Apache's layout, or an empty text for Apache's own servers.
 */
export function candidateLines(
  archiveUrl: string,
  product: Product,
  version: string,
  archives: Archive[],
): string {
  const servers = archiveUrl === "" ? APACHE_SERVERS : [archiveUrl];
  const offered = archives.filter(({ origin }) => origin === "apache" || !fromApache(archiveUrl));
  return servers
    .flatMap((server) => {
      const directory = archiveDirectory(server, product, version);
      return offered.map(({ file, sha512 }) => `${directory}/${file} ${sha512}`);
    })
    .join("\n");
}
