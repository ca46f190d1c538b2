import type { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { Host } from "./host";
import type { DataVolume } from "./lib/ebs";
import { fullNames, ordinals } from "./lib/names";
import { fingerprint } from "./lib/scripts";
import { ZOOKEEPER_KERNEL, ZOOKEEPER_LOGGING, zooCfg, zookeeperUnit } from "./lib/zookeeper-config";
import { startService } from "./service";
import type { Site } from "./site";

/** Arguments of {@link ZooKeeperEnsemble}. */
export interface ZooKeeperEnsembleArgs {
  site: Site;
  /** How many nodes; odd. */
  nodes: number;
  instanceType: string;
  /** MiB of each node's heap. A change restarts the nodes one by one. */
  heapMiB: number;
  /** Each node's data volume. */
  volume: DataVolume;
  /** A version whose archive is pinned. */
  version: string;
  archiveUrl: string;
  /** Further lines of `zoo.cfg`. A change restarts the nodes one by one. */
  further: Record<string, string>;
}

/**
 * A ZooKeeper ensemble: its hosts, and on each ZooKeeper installed, configured and started. Hosts
 * are installed side by side; a changed configuration rolls from the last node to the first, and
 * over the leader after all others. The nodes of the first `up` found the ensemble. Later ones join
 * it: the gate makes them members, one by one, and takes those out that are to go, while all run.
 */
export class ZooKeeperEnsemble extends pulumi.ComponentResource {
  readonly hosts: Host[];
  /** The nodes' full names. */
  readonly names: string[];
  /** Done once there is one leader and every other node follows it; none while paused. */
  readonly ready: remote.Command[];

  constructor(name: string, args: ZooKeeperEnsembleArgs, opts?: pulumi.ComponentResourceOptions) {
    super("kafkalab:index:ZooKeeperEnsemble", name, {}, opts);
    const { site } = args;
    const role = "zookeeper" as const;
    this.names = fullNames(role, args.nodes, site.dns.domain);
    this.hosts = ordinals(args.nodes).map(
      (ordinal) => new Host(`${name}-${ordinal}`, { ...args, role, ordinal }, { parent: this }),
    );
    this.ready = site.running ? [this.start(name, args)] : [];
    this.registerOutputs({ names: this.names, hosts: this.hosts.map((host) => host.hostName) });
  }

  /**
   * The nodes that may found an ensemble, with their data volumes: those of the first `up`. A node
   * without data that is not among them must find an ensemble to join, or two might come to be.
   * Other zones mean new volumes for all.
   */
  private founders(name: string, { site }: ZooKeeperEnsembleArgs): pulumi.Output<string> {
    const entries = this.hosts.map((host) => pulumi.interpolate`${host.hostName}=${host.volumeId}`);
    const zones = ordinals(3).map((ordinal) => site.network.place("zookeeper", ordinal).zone.name);
    const founders = new pulumi.Stash(
      `${name}-founders`,
      { input: pulumi.all(entries).apply((all) => all.join(" ")) },
      { parent: this, replacementTrigger: zones },
    );
    return founders.output as pulumi.Output<string>;
  }

  private start(name: string, args: ZooKeeperEnsembleArgs): remote.Command {
    const config = zooCfg(args.further);
    const unit = zookeeperUnit(args.heapMiB);
    // A name that is asked for before it exists is remembered as missing: records first.
    const records = this.hosts.flatMap((host) => host.records);
    const founders = this.founders(name, args);
    const nodes = this.hosts.map((host, index) => ({
      host,
      variables: {
        NODE_ID: String(index + 1),
        FOUNDERS: founders,
        VOLUME: host.volumeId ?? "",
      },
      after: records,
    }));
    return startService(
      name,
      {
        product: "zookeeper",
        version: args.version,
        archiveUrl: args.archiveUrl,
        volumeGiB: args.volume.gib,
        packages: { java: "openjdk-17-jre-headless", nc: "netcat-openbsd" },
        variables: {
          DATA: "/data/zk",
          NODES: this.names.join(" "),
          CONFIG_FILE: "conf/zoo.cfg",
          CONFIG: config,
          LIVE_KEYS: "",
          CHECK: "",
          LOGGING_FILE: "conf/logback.xml",
          LOGGING: ZOOKEEPER_LOGGING,
          UNIT: unit,
          KERNEL: ZOOKEEPER_KERNEL,
        },
        gate: {
          files: ["zookeeper-whole.sh", "zookeeper-ready.sh"],
          variables: {},
          timeoutMinutes: 25,
          triggers: [
            fingerprint(config, args.version, unit, args.instanceType),
            ...this.hosts.map(({ instanceId }) => instanceId),
          ],
        },
      },
      nodes,
      [...args.site.firewall.rules, ...args.site.network.wayOut],
      this,
    );
  }
}
