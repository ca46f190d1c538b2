import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The two products that the lab installs from an archive. */
export type Product = "kafka" | "zookeeper";

/** One archive of a version, with its required checksum. */
export interface Archive {
  file: string;
  /** SHA-512, in lower-case hex. */
  sha512: string;
  origin: "apache" | "maven";
}

/** Product → version → archives, in the order to try. */
export type Pins = Record<Product, Record<string, Archive[]>>;

/** Reads the pinned archives. They define which versions the lab can install. */
export function readPins(): Pins {
  return JSON.parse(readFileSync(join(__dirname, "archives.json"), "utf8")) as Pins;
}

/** The directory that an archive of this version unpacks to, under `/usr/local`. */
export function directoryName(product: Product, version: string): string {
  return product === "kafka" ? `kafka_2.13-${version}` : `apache-zookeeper-${version}-bin`;
}

/** The URL of a version's files on an archive server with Apache's layout. */
export function archiveDirectory(archiveUrl: string, product: Product, version: string): string {
  return product === "kafka"
    ? `${archiveUrl}/kafka/${version}`
    : `${archiveUrl}/zookeeper/zookeeper-${version}`;
}

/** Apache's servers in the order to try: the mirror network has only current releases. */
const APACHE_SERVERS = ["https://dlcdn.apache.org", "https://archive.apache.org/dist"];

/** The local cloud's archive server, under this name in each VPC. It serves the archives of the setup. */
export const LOCAL_MIRROR = "mirror.local-cloud.internal";

/** The names of the servers that hosts download archives from. */
export function archiveHosts(archiveUrl: string): string[] {
  const servers = archiveUrl === "" ? APACHE_SERVERS : [archiveUrl];
  return servers.map((server) => new URL(server).hostname);
}

/** Whether hosts download from Apache. Apache does not have the archives that the setup packs from jars. */
export function fromApache(archiveUrl: string): boolean {
  return archiveHosts(archiveUrl).every((host) => host.endsWith(".apache.org"));
}

/**
 * The archives for the install script: one `<URL> <SHA-512>` per line, in the order to try.
 *
 * @param archiveUrl A server with Apache's layout, or an empty string for Apache's own servers.
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
