import type { VpcHealth } from "../../local-cloud/machine/health";
import type { LabHost } from "../hosts/hosts";
import type { HostReport, Partition } from "./host-report";
import type { LocalCloudStatus, Power } from "./local-cloud";

/** A host in the report. */
export interface HostStatus {
  name: string;
  /** Empty if it has none. */
  publicIp: string;
  privateIp: string;
  /** Whether SSH reached it. */
  up: boolean;
  upSeconds?: number;
  service?: string;
  state?: string;
  /** `1%` */
  disk?: string;
  /** What it does in its cluster or, of a host that is down, why. */
  role: string;
  well: boolean;
}

/** A topic in the report. */
export interface TopicStatus {
  name: string;
  /** Whether Kafka made it for itself. */
  internal: boolean;
  partitions: Partition[];
}

/** How a lab is; the type of `status --json`. */
export interface LabStatus {
  stack: string;
  target: "local" | "aws";
  /** Nothing is wrong. */
  well: boolean;
  hosts: HostStatus[];
  topics: TopicStatus[];
  /** Of the local target: the DNS and the way out, by network. */
  networks: { [name: string]: VpcHealth };
  /** Of the local target: the machine was restarted, so no host runs. */
  machineRestarted: boolean;
  /** What to do, if anything is wrong. */
  remedy?: string;
}

/** What was found out about one host. */
export type HostAnswer = { report: HostReport } | { down: string };

/** All that was found out. */
export interface Findings {
  stack: string;
  target: "local" | "aws";
  hosts: LabHost[];
  answers: Map<string, HostAnswer>;
  cloud?: LocalCloudStatus;
}

/** Judges what was found out. */
export function judgeLab({ stack, target, hosts, answers, cloud }: Findings): LabStatus {
  const hostStatuses = hosts.map((host) => hostStatus(host, answers.get(host.names[0])));
  const topics = topicsIn(answers);
  const networks = cloud?.networks ?? {};
  const networksWell = Object.values(networks).every(
    ({ dns, wayOut }) => dns === "ok" && ["ok", "none"].includes(wayOut),
  );
  const clusterWell =
    hostStatuses.every(({ well }) => well) && topics.length > 0 && topics.every(isInSync);
  const remedy = remedyOf(cloud, networksWell);
  return {
    ...{ stack, target, well: clusterWell && networksWell, hosts: hostStatuses, topics, networks },
    machineRestarted: cloud?.restarted ?? false,
    ...(remedy !== undefined && { remedy }),
  };
}

/** Whether each partition has a leader and all of its replicas in sync. */
export const isInSync = ({ partitions }: Pick<TopicStatus, "partitions">): boolean =>
  partitions.every(isWhole);

/** Whether the partition has all of its replicas in sync. */
export const isWhole = ({ replicas, inSync }: Partition): boolean =>
  inSync.length >= replicas.length;

function hostStatus(host: LabHost, answer: HostAnswer | undefined): HostStatus {
  const { names, publicIp, privateIp } = host;
  const known = { name: names[0], publicIp, privateIp };
  if (answer === undefined || "down" in answer) {
    return { ...known, up: false, role: answer?.down ?? "not asked", well: false };
  }
  const { report } = answer;
  const { upSeconds, service, state, disk } = report;
  if (names[0].startsWith("peter-bastion")) {
    return { ...known, up: true, upSeconds, role: "way in", well: true };
  }
  const role = service === "kafka-server" ? brokerRole(names[0], report) : (report.role ?? "");
  const well = state === "active" && !/not serving|no answer/.test(role);
  return { ...known, up: true, upSeconds, service, state, disk, role, well };
}

function brokerRole(name: string, { metadata }: HostReport): string {
  if (metadata === undefined || metadata.brokers.size === 0) {
    return "no answer on port 9092";
  }
  const own = [...metadata.brokers].find(([, address]) => /^[^.:]*/.exec(address)?.[0] === name);
  if (own === undefined) {
    return `not serving: registered are ${metadata.brokers.size} brokers, this is none`;
  }
  return `broker ${own[0]}${own[0] === metadata.controller ? ", controller" : ""}`;
}

/** Every broker knows all topics: the first that tells of any does. */
function topicsIn(answers: ReadonlyMap<string, HostAnswer>): TopicStatus[] {
  for (const answer of answers.values()) {
    const topics = "report" in answer ? answer.report.metadata?.topics : undefined;
    if (topics !== undefined && topics.size > 0) {
      return [...topics].map(([name, partitions]) => ({
        ...{ name, internal: name.startsWith("__"), partitions },
      }));
    }
  }
  return [];
}

function remedyOf(cloud: LocalCloudStatus | undefined, networksWell: boolean): string | undefined {
  if (cloud === undefined) {
    return undefined;
  }
  if (cloud.restarted) {
    return "The machine was restarted, so the hosts are stopped. Their disks are kept.\nStart them with: npm run up";
  }
  const stopped = hostsWith(cloud, "stopped");
  if (stopped.length > 0) {
    return `Stopped: ${stopped.join(", ")}\nStart with: npm run up`;
  }
  return networksWell ? undefined : "Mend the network with: npm run up";
}

const hostsWith = (cloud: LocalCloudStatus, power: Power) =>
  Object.keys(cloud.hosts)
    .filter((name) => cloud.hosts[name] === power)
    .sort();
