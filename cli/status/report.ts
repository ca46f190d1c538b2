import type { VpcHealth } from "../../local-cloud/machine/health";
import type { LabHost } from "../hosts/hosts";
import { type HostFacts, reportedFacts } from "./columns";
import type { HostReport, Partition } from "./host-report";
import type { LocalCloudStatus, Power } from "./local-cloud";

/** A host in the report; a host that is down reports no facts. */
export interface HostStatus extends Partial<HostFacts> {
  name: string;
  /** Empty if the host has none. */
  publicIp: string;
  privateIp: string;
  /** Whether the host answered over SSH. */
  up: boolean;
  /** The role in its cluster. For a host that is down, the reason. */
  role: string;
  well: boolean;
}

/** A topic in the report. */
export interface TopicStatus {
  name: string;
  /** Whether it is an internal topic of Kafka. */
  internal: boolean;
  partitions: Partition[];
}

/** The state of a lab. This is the format of `status --json`. */
export interface LabStatus {
  stack: string;
  target: "local" | "aws";
  /** Whether the lab has no problem. */
  well: boolean;
  hosts: HostStatus[];
  topics: TopicStatus[];
  /** On the local target: the state of the DNS and of the way to the internet, by network. */
  networks: { [name: string]: VpcHealth };
  /** When each certificate ends, as RFC 3339, by what it is for; empty in a lab without security. */
  certificates: { [name: string]: string };
  /** On the local target: whether the machine was restarted, so that no host runs. */
  machineRestarted: boolean;
  /** The remedy, if there is a problem. */
  remedy?: string;
}

/** The result of querying one host. */
export type HostAnswer = { report: HostReport } | { down: string };

/** The results of all queries. */
export interface Findings {
  stack: string;
  target: "local" | "aws";
  hosts: LabHost[];
  answers: Map<string, HostAnswer>;
  certificates: Record<string, string>;
  cloud?: LocalCloudStatus;
}

/** Evaluates the results. */
export function judgeLab({
  stack,
  target,
  hosts,
  answers,
  certificates,
  cloud,
}: Findings): LabStatus {
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
    certificates,
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

/** The roles of hosts that belong to no cluster, by the start of their names. */
const OUTSIDE = { "peter-bastion": "way in", "peter-client": "client" };

function hostStatus(host: LabHost, answer: HostAnswer | undefined): HostStatus {
  const { names, publicIp, privateIp } = host;
  const known = { name: names[0], publicIp, privateIp };
  if (answer === undefined || "down" in answer) {
    return { ...known, up: false, role: answer?.down ?? "not asked", well: false };
  }
  const { report } = answer;
  const [, outside] = Object.entries(OUTSIDE).find(([start]) => names[0].startsWith(start)) ?? [];
  const reached = { ...known, up: true, ...reportedFacts(report, outside === undefined) };
  if (outside !== undefined) {
    return { ...reached, role: outside, well: true };
  }
  const { service, state } = report;
  const role = service === "kafka-server" ? brokerRole(names[0], report) : (report.role ?? "");
  const well = state === "active" && !/not serving|no answer/.test(role);
  return { ...reached, role, well };
}

function brokerRole(name: string, { metadata }: HostReport): string {
  if (metadata === undefined || metadata.brokers.size === 0) {
    return "no answer";
  }
  const own = [...metadata.brokers].find(([, address]) => /^[^.:]*/.exec(address)?.[0] === name);
  if (own === undefined) {
    return `not serving: not one of the ${metadata.brokers.size} registered brokers`;
  }
  return `broker ${own[0]}${own[0] === metadata.controller ? ", controller" : ""}`;
}

/** Returns the topics from the first broker that reports any: every broker knows all topics. */
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
  return networksWell ? undefined : "Repair the network with: npm run up";
}

const hostsWith = (cloud: LocalCloudStatus, power: Power) =>
  Object.keys(cloud.hosts)
    .filter((name) => cloud.hosts[name] === power)
    .sort();
