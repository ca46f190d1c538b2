import type { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { Host } from "./host";
import type { DataVolume } from "./lib/ebs";
import { fullNames, ordinals } from "./lib/names";
import { itemAt } from "../shared/item-at";
import { ZOOKEEPER_KERNEL, ZOOKEEPER_LOGGING } from "./lib/zookeeper-config";
import {
  ensembleLevels,
  type ZooKeeperLevel,
  type ZooKeeperPasswords,
} from "./lib/zookeeper-security";
import { operate } from "./operator";
import { founders, installService, type Service, serviceWish } from "./service";
import type { Site } from "./site";

/** Enough for nine nodes that each use the operator's full time limits. */
const OPERATE_MINUTES = 120;

/** Arguments of {@link ZooKeeperEnsemble}. */
export interface ZooKeeperEnsembleArgs {
  site: Site;
  /** Number of nodes; odd. */
  nodes: number;
  instanceType: string;
  /** Heap of each node in MiB. A change restarts the nodes one by one. */
  heapMiB: number;
  /** Each node's data volume. */
  volume: DataVolume;
  /** ZooKeeper version. `archives.json` must pin its archive. */
  version: string;
  archiveUrl: string;
  /** The lines of `zoo.cfg` that come from settings of their own. A change restarts the nodes one by one. */
  lines: Record<string, string>;
  /** Further lines of `zoo.cfg`. A change restarts the nodes one by one. */
  further: Record<string, string>;
  /**
   * How members and clients log in. A change of the level restarts the nodes one by one, once for each level
   * on the way. @default not at all
   */
  security?: ZooKeeperSecurity;
}

/** How the members of an ensemble log in to each other, and clients to members. */
export interface ZooKeeperSecurity {
  level: ZooKeeperLevel;
  /** Whether the mode of the lab changes. Otherwise a running node without logins shows a mistake. */
  isChanging: boolean;
  /**
   * Needed as long as a node may be at another level than 0, also on the way back. They must not change while
   * the level is above 1.
   */
  passwords: pulumi.Input<ZooKeeperPasswords>;
}

/**
 * A ZooKeeper ensemble: its hosts, and ZooKeeper on each. Pulumi installs the nodes in parallel. The nodes
 * of the first `up` found the ensemble and start at once. The operator does the rest: it adds later nodes
 * as members one by one, removes members that leave, and restarts nodes with a changed configuration. It
 * restarts these nodes from the last to the first, and the leader after all others.
 */
export class ZooKeeperEnsemble extends pulumi.ComponentResource {
  readonly hosts: Host[];
  /** The nodes' full names. */
  readonly names: string[];
  /** Commands that complete once one leader has all followers. Empty while the lab is paused. */
  readonly ready: local.Command[];

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

  private start(name: string, args: ZooKeeperEnsembleArgs): local.Command {
    const { site } = args;
    const level = args.security?.level ?? 0;
    const levels = pulumi
      .output(args.security?.passwords)
      .apply((passwords) => ensembleLevels(args, passwords));
    const wanted = levels.apply((all) => itemAt(all, level));
    const service = this.service(args);
    // In other zones, all volumes are new.
    const zones = ordinals(3).map((ordinal) => site.network.place("zookeeper", ordinal).zone.name);
    const installs = installService(
      name,
      service,
      this.hosts.map((host) => ({
        host,
        config: wanted.config,
        unit: wanted.unit,
        secrets: wanted.apply(({ secrets }) => secrets ?? {}),
        variables: {},
        after: [],
      })),
      founders(name, this.hosts, zones, this),
      // DNS records must exist first, because resolvers cache that a name does not exist.
      [site.firewall.rules, ...site.network.wayOut, ...this.hosts.flatMap((host) => host.records)],
      this,
    );
    const nodes = this.hosts.map((host, index) => ({
      id: index + 1,
      host: host.target,
    }));
    return operate(
      `${name}-ready`,
      {
        wish: pulumi.all([nodes, levels]).apply(([known, files]) => ({
          kind: "zookeeper" as const,
          service: serviceWish(service),
          nodes: known,
          levels: files,
          level,
          ...(args.security !== undefined && { isChanging: args.security.isChanging }),
        })),
        triggers: [
          args.instanceType,
          ...this.hosts.flatMap(({ instanceId, launchTime }) => [instanceId, launchTime]),
        ],
        timeoutMinutes: OPERATE_MINUTES,
      },
      { parent: this, dependsOn: [...installs, ...this.hosts.flatMap((host) => host.attachments)] },
    );
  }

  private service(args: ZooKeeperEnsembleArgs): Service {
    return {
      product: "zookeeper",
      version: args.version,
      archiveUrl: args.archiveUrl,
      volumeGiB: args.volume.gib,
      packages: { java: "openjdk-17-jre-headless", nc: "netcat-openbsd" },
      kernel: ZOOKEEPER_KERNEL,
      data: "/data/zk",
      configFile: "conf/zoo.cfg",
      loggingFile: "conf/logback.xml",
      logging: ZOOKEEPER_LOGGING,
      installScripts: ["zookeeper-data.sh", "zookeeper-install.sh"],
    };
  }
}
