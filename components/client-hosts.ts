import * as pulumi from "@pulumi/pulumi";
import { KAFKA_HOME } from "../shared/homes";
import { Host } from "./host";
import { candidateLines, directoryName, readPins } from "./lib/archive-pins";
import { ordinals } from "./lib/names";
import { FIRST_BOOT_SECONDS } from "./lib/waits";
import { runScript } from "./remote-script";
import type { Site } from "./site";

/** Arguments of {@link ClientHosts}. */
export interface ClientHostsArgs {
  site: Site;
  /** Number of client hosts. */
  count: number;
  instanceType: string;
  /** Version of Kafka's tools. A change installs them and switches to them. */
  version: string;
  archiveUrl: string;
}

/**
 * What a client host needs: a command, or the path of a file, with its Debian package. Debian 12 has
 * Python 3.11.
 */
const PACKAGES = {
  kcat: "kcat",
  xxd: "xxd",
  "/usr/lib/python3.11/ensurepip/__init__.py": "python3-venv",
  "/usr/lib/python3/dist-packages/confluent_kafka/__init__.py": "python3-confluent-kafka",
  javac: "openjdk-17-jdk-headless",
};

/**
 * Hosts for producers, consumers and tools, with Kafka's release and without a service or a data volume.
 * Needs the network, the security groups and the key pair, and nothing of ZooKeeper and the brokers.
 */
export class ClientHosts extends pulumi.ComponentResource {
  readonly hosts: Host[];

  constructor(name: string, args: ClientHostsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("kafkalab:index:ClientHosts", name, {}, opts);
    const { site, instanceType } = args;
    const role = "client" as const;
    this.hosts = ordinals(args.count).map(
      (ordinal) =>
        new Host(`${name}-${ordinal}`, { site, role, ordinal, instanceType }, { parent: this }),
    );
    if (site.running) {
      this.hosts.forEach((host, index) => this.install(`${name}-${index + 1}-install`, host, args));
    }
    this.registerOutputs({ names: this.hosts.map(({ hostName }) => hostName) });
  }

  private install(name: string, host: Host, { site, version, archiveUrl }: ClientHostsArgs): void {
    const packages = Object.entries(PACKAGES).map((pair) => pair.join("="));
    runScript(
      name,
      {
        host,
        files: ["packages.sh", "download.sh", "host-install.sh", "client-install.sh"],
        variables: {
          DIRECTORY: directoryName("kafka", version),
          LINK: KAFKA_HOME,
          ARCHIVES: candidateLines(archiveUrl, "kafka", version, readPins().kafka[version] ?? []),
          PACKAGES: packages.join(" "),
          FIRST_BOOT_SECONDS: String(FIRST_BOOT_SECONDS),
        },
        triggers: [host.instanceId],
        // Packages and downloads have their own, shorter limits.
        timeoutMinutes: 120,
      },
      { parent: this, dependsOn: [site.firewall.rules, ...site.network.wayOut] },
    );
  }
}
