import { mark, table } from "../lib/output";
import { COLUMN_HEADS, columnCells } from "./columns";
import type { Partition } from "./host-report";
import { isInSync, isWhole, type HostStatus, type LabStatus, type TopicStatus } from "./report";

/** A topic with more partitions than this gets one line, unless the user wants all partitions. */
const MAX_ROWS = 12;

/**
 * Formats the report as text.
 *
 * @param all Whether to show each partition, including those of internal topics.
 */
export function renderStatus(status: LabStatus, all: boolean): string {
  const parts = [hostTable(status.hosts), ...topicParts(status.topics, all)];
  if (Object.keys(status.networks).length > 0) {
    const rows = Object.entries(status.networks).map(([name, { dns, wayOut }]) => [
      name,
      verdict(dns, dns === "ok"),
      verdict(wayOut, wayOut === "ok" || wayOut === "none"),
    ]);
    parts.push(table([["NETWORK", "DNS", "WAY OUT"], ...rows]));
  }
  if (Object.keys(status.certificates).length > 0) {
    parts.push(certificateTable(status.certificates));
  }
  if (status.remedy !== undefined) {
    parts.push(status.remedy);
  }
  return parts.join("\n\n");
}

/** One line for each certificate, the one that ends first at the top. */
function certificateTable(certificates: LabStatus["certificates"]): string {
  const now = Date.now();
  const rows = Object.entries(certificates)
    .map(([name, ends]) => ({
      name,
      ends,
      hours: Math.floor((Date.parse(ends) - now) / 3_600_000),
    }))
    .sort((one, other) => one.hours - other.hours)
    .map(({ name, ends, hours }) => [name, ends, verdict(remaining(hours), hours >= 0)]);
  return table([["CERTIFICATE", "ENDS", "LEFT"], ...rows]);
}

function remaining(hours: number): string {
  if (hours < 0) {
    return "has ended; run: npm run up";
  }
  return hours < 48 ? `${hours} hours` : `${Math.floor(hours / 24)} days`;
}

const verdict = (text: string, good: boolean) => (good ? text : mark("bad", text));

function hostTable(hosts: HostStatus[]): string {
  const rows = hosts.map((host) => [
    host.name,
    host.publicIp || "-",
    host.privateIp,
    ...columnCells(host, host),
    verdict(host.role, host.well || (host.up && host.state !== "active")),
  ]);
  return table([["HOST", "PUBLIC", "PRIVATE", ...COLUMN_HEADS, "ROLE"], ...rows]);
}

function topicParts(topics: TopicStatus[], all: boolean): string[] {
  if (topics.length === 0) {
    return ["no broker reports any topic"];
  }
  const rows = topics.flatMap((topic) => topicRows(topic, all));
  const head = ["TOPIC", "PARTITION", "LEADER", "REPLICAS", "IN SYNC", ""];
  const internal = topics.filter((topic) => topic.internal);
  const line = `internal: ${internal.map(inShort).join(", ")} (npm run status -- --topics shows each partition)`;
  return [
    ...(rows.length === 0 ? [] : [table([head, ...rows])]),
    ...(all || internal.length === 0 ? [] : [line]),
  ];
}

/** The rows of a topic: one for each partition, or one for each faulty partition and one for the rest. */
function topicRows(topic: TopicStatus, all: boolean): string[][] {
  const { name, partitions, internal } = topic;
  if (all || (!internal && partitions.length <= MAX_ROWS)) {
    return partitions.map((partition) => row(name, partition));
  }
  const sick = partitions.filter((partition) => !isWhole(partition));
  const rows = sick.slice(0, MAX_ROWS).map((partition) => row(name, partition));
  if (internal) {
    return rows;
  }
  const well = partitions.length - sick.length;
  return [...rows, [name, `${well} of ${partitions.length}`, "", "", "all", ""]];
}

function row(topic: string, partition: Partition): string[] {
  const { partition: number, leader, replicas, inSync } = partition;
  return [
    topic,
    String(number),
    String(leader),
    replicas.join(","),
    inSync.join(","),
    isWhole(partition) ? "" : mark("bad", "under-replicated"),
  ];
}

function inShort(topic: TopicStatus): string {
  const { name, partitions } = topic;
  const count = `${partitions.length} partition${partitions.length === 1 ? "" : "s"}`;
  const sick = partitions.filter((partition) => !isWhole(partition)).length;
  return `${name} ${count}, ${isInSync(topic) ? "in sync" : `${sick} under-replicated`}`;
}
