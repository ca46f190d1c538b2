import type { Graph } from "./graph";

/** Rules that every lab has. */
export const SERVICE_RULES = [
  "kafka -> kafka tcp 9092 9092",
  "kafka -> zookeeper tcp 2181 2181",
  "kafka <- kafka tcp 9092 9092",
  "zookeeper -> zookeeper tcp 2181 2181",
  "zookeeper -> zookeeper tcp 2888 2888",
  "zookeeper -> zookeeper tcp 3888 3888",
  "zookeeper <- kafka tcp 2181 2181",
  "zookeeper <- zookeeper tcp 2181 2181",
  "zookeeper <- zookeeper tcp 2888 2888",
  "zookeeper <- zookeeper tcp 3888 3888",
];

/** The rules of the security groups, each as `who -> whom protocol from to`. */
export function rulesOf(graph: Graph): string[] {
  const rules = graph.resources.filter(({ type }) => /Security\w+Rule$/.test(type));
  return rules
    .map(({ type, inputs }) => {
      const peer = String(inputs.referencedSecurityGroupId ?? inputs.cidrIpv4);
      const [own, other] = [String(inputs.securityGroupId), peer].map((id) =>
        id.replace(/^firewall-(\w+)-id$/, "$1"),
      );
      const arrow = type.endsWith("IngressRule") ? "<-" : "->";
      return `${own} ${arrow} ${other} ${String(inputs.ipProtocol)} ${String(inputs.fromPort)} ${String(inputs.toPort)}`;
    })
    .sort();
}
