import type { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { noteOf, secretLines } from "../operator/service/files";
import type { ServiceWish } from "../operator/wish";
import type { Host } from "./host";
import { candidateLines, directoryName, type Product, readPins } from "./lib/archive-pins";
import { FIRST_BOOT_SECONDS } from "./lib/waits";
import { runScript } from "./remote-script";
import { KAFKA_HOME, ZOOKEEPER_HOME } from "../shared/homes";

/** The properties that all nodes of a service share. */
export interface Service {
  product: Product;
  /** `archives.json` must pin the archive of this version. */
  version: string;
  archiveUrl: string;
  /** Size of each node's data volume in GiB. */
  volumeGiB: number;
  /** Commands that the hosts need, each with its Debian package. */
  packages: Record<string, string>;
  /** Lines of sysctl.d. */
  kernel: string;
  /** The data directory. */
  data: string;
  /** Relative to the release. */
  configFile: string;
  /** Relative to the release. */
  loggingFile: string;
  logging: string;
  /** Files of `scripts/remote/` that install the service. They follow `install.sh`. */
  installScripts: string[];
}

/** One node of a service. */
export interface ServiceNode {
  host: Host;
  /** The text of the configuration file. */
  config: pulumi.Input<string>;
  /** The systemd unit. */
  unit: pulumi.Input<string>;
  /** Files that hold secrets: text by path. See `ServiceFiles`. @default none */
  secrets?: pulumi.Input<Record<string, string>>;
  /** Additional variables of the install scripts. */
  variables: Record<string, pulumi.Input<string>>;
  /** Resources that must exist before the service starts. */
  after: pulumi.Resource[];
}

/** The part of the wish that describes a service, without its unit. */
export function serviceWish(service: Service): ServiceWish {
  const { product, version, data, configFile, loggingFile, logging, volumeGiB } = service;
  return {
    name: `${product}-server`,
    user: product,
    link: product === "kafka" ? KAFKA_HOME : ZOOKEEPER_HOME,
    release: directoryName(product, version),
    ...{ data, configFile, loggingFile, logging, volumeGiB },
  };
}

/**
 * The nodes that may found a cluster, as `HOST=VOLUME ...`: the nodes of the first `up`, with their data
 * volumes. Any other node without data must join the cluster. Otherwise it could found a second one.
 *
 * @param replacementTrigger A change makes the current nodes the founders, because all of them then have
 *   new volumes.
 */
export function founders(
  name: string,
  hosts: Host[],
  replacementTrigger: pulumi.Input<string>[],
  parent: pulumi.Resource,
): pulumi.Output<string> {
  const entries = hosts.map((host) => pulumi.interpolate`${host.hostName}=${host.volumeId}`);
  const stash = new pulumi.Stash(
    `${name}-founders`,
    { input: pulumi.all(entries).apply((all) => all.join(" ")) },
    { parent, replacementTrigger },
  );
  return stash.output as pulumi.Output<string>;
}

/**
 * Installs a service on all nodes in parallel. A founder that has never run starts at once. The operator
 * starts and changes every other node. Pulumi attaches a node's data volume meanwhile.
 *
 * @param founders The result of {@link founders}.
 * @param installAfter Resources that must exist before any node installs.
 */
export function installService(
  name: string,
  service: Service,
  nodes: ServiceNode[],
  founders: pulumi.Input<string>,
  installAfter: pulumi.Resource[],
  parent: pulumi.Resource,
): remote.Command[] {
  const { product, version, archiveUrl } = service;
  const { release, logging, ...wish } = serviceWish(service);
  const packages = Object.entries(service.packages).map((pair) => pair.join("="));
  const common = {
    SERVICE: wish.name,
    SERVICE_USER: wish.user,
    DIRECTORY: release,
    LINK: wish.link,
    DATA: wish.data,
    CONFIG_FILE: wish.configFile,
    LOGGING_FILE: wish.loggingFile,
    LOGGING: logging,
    KERNEL: service.kernel,
    FOUNDERS: founders,
    ARCHIVES: candidateLines(archiveUrl, product, version, readPins()[product][version] ?? []),
    PACKAGES: packages.join(" "),
    FIRST_BOOT_SECONDS: String(FIRST_BOOT_SECONDS),
  };
  return nodes.map(({ host, config, unit, secrets, variables, after }, index) =>
    runScript(
      `${name}-${index + 1}-install`,
      {
        host,
        files: [
          ...["service.sh", "packages.sh", "download.sh", "host-install.sh", "install.sh"],
          ...service.installScripts,
        ],
        variables: {
          ...common,
          NODE_ID: String(index + 1),
          VOLUME: volumeOf(host),
          CONFIG: config,
          UNIT: unit,
          NOTE: pulumi
            .all([config, unit])
            .apply(([text, unitText]) =>
              noteOf({ release, config: text, logging, unit: unitText }),
            ),
          SECRETS: pulumi.output(secrets).apply(secretLines),
          ...variables,
        },
        triggers: [host.instanceId],
        // Packages and downloads have their own, shorter limits.
        timeoutMinutes: 120,
      },
      { parent, dependsOn: [...installAfter, ...after] },
    ),
  );
}

function volumeOf({ hostName, volumeId }: Host): pulumi.Output<string> {
  if (volumeId === undefined) {
    throw new Error(`${hostName} must have a data volume`);
  }
  return volumeId;
}
