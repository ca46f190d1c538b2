import type { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "./host";
import { candidateLines, directoryName, type Product, readPins } from "./lib/archive-pins";
import { firstOf } from "./lib/names";
import { FIRST_BOOT_SECONDS } from "./lib/waits";
import { runScript } from "./remote-script";

/** What of a service is the same on all of its nodes. */
export interface Service {
  product: Product;
  /** A version whose archive is pinned. */
  version: string;
  archiveUrl: string;
  /** GiB of each node's data volume. */
  volumeGiB: number;
  /** Commands that the hosts need, each with the Debian package that brings it. */
  packages: Record<string, string>;
  /** Variables of `scripts/remote/service.sh`. */
  variables: Record<string, string>;
  gate: Gate;
}

/** The look at the service as a whole, on its first node. */
export interface Gate {
  /** Files of `scripts/remote/` that come after the configuration of that node. */
  files: string[];
  variables: Record<string, string>;
  triggers: pulumi.Input<string>[];
  /** How long it may take, with that configuration. */
  timeoutMinutes: number;
}

/** One node of a service. */
export interface ServiceNode {
  host: Host;
  variables: Record<string, pulumi.Input<string>>;
  /** Further variables of `scripts/remote/install.sh`. */
  installVariables?: Record<string, string>;
  /** What must be there before the service is started. */
  after: pulumi.Resource[];
}

/**
 * Installs a service on all nodes side by side and, where it has never run, starts it at once. Then
 * configures it node after node, from the last to the first: nothing to do for a node that was just
 * started, and a rolling restart where something has changed. A second round, in the same order,
 * does what a node has put off in the first: a restart, if it led the others, and the protocol
 * between brokers, which is raised once all of them know it. The first node's second turn is the
 * gate, too. A node's data volume is attached while it is installed.
 *
 * @returns The gate: the service as a whole is ready once it is done.
 */
export function startService(
  name: string,
  service: Service,
  nodes: ServiceNode[],
  installAfter: pulumi.Resource[],
  parent: pulumi.Resource,
): remote.Command {
  const { product, version, archiveUrl, gate } = service;
  const common = {
    SERVICE: `${product}-server`,
    SERVICE_USER: product,
    DIRECTORY: directoryName(product, version),
    LINK: `/usr/local/${product}`,
  };
  const archives = candidateLines(archiveUrl, product, version, readPins()[product][version] ?? []);
  const packages = Object.entries(service.packages).map((pair) => pair.join("="));
  const installed = nodes.map((node, index) => {
    const variables = { ...common, ...service.variables, ...node.variables };
    const install = runScript(
      `${name}-${index + 1}-install`,
      {
        host: node.host,
        files: [`${product}.sh`, "service.sh", "packages.sh", "download.sh", "install.sh"],
        variables: {
          ...variables,
          ...node.installVariables,
          ARCHIVES: archives,
          PACKAGES: packages.join(" "),
          FIRST_BOOT_SECONDS: String(FIRST_BOOT_SECONDS),
        },
        triggers: [node.host.instanceId],
        // Packages and downloads have bounds of their own, which come before this one.
        timeoutMinutes: 120,
      },
      { parent, dependsOn: [...installAfter, ...node.after] },
    );
    return { host: node.host, ordinal: index + 1, variables, install };
  });
  const turns = ["configure", "finish"].flatMap((round) =>
    [...installed].reverse().map((node) => ({ ...node, round })),
  );
  const roll: remote.Command[] = [];
  for (const { host, ordinal, variables, install, round } of turns) {
    const isGate = round === "finish" && ordinal === 1;
    const command = runScript(
      isGate ? `${name}-ready` : `${name}-${ordinal}-${round}`,
      {
        host,
        files: [...[`${product}.sh`, "service.sh", "configure.sh"], ...(isGate ? gate.files : [])],
        variables: {
          ...variables,
          VOLUME_GIB: String(service.volumeGiB),
          MAY_WAIT: String(round === "configure"),
          ...(isGate ? gate.variables : {}),
        },
        triggers: isGate ? gate.triggers : [host.instanceId],
        timeoutMinutes: isGate ? gate.timeoutMinutes : 15,
      },
      { parent, dependsOn: [install, ...host.attachments, ...roll.slice(-1)] },
    );
    roll.push(command);
  }
  return firstOf(roll.slice(-1));
}
