import { endsOf } from "./blocks";
import { MIRROR } from "./dns";
import type { RuleModel, VpcModel } from "./model";
import { hostPort } from "./links";

/**
 * The port on which the router's mirror answers the machine, so that the machine can test the path into
 * the VPC. It is the SSH port, because a firewall of the machine may filter by port.
 */
export const TRIAL_PORT = 22;

/**
 * The nftables ruleset of a VPC's router. It implements the stateful security groups, also between hosts of
 * one subnet. It implements the internet gateway, which translates public addresses to private ones, and
 * the NAT gateways, which allow only outgoing connections.
 *
 * A packet from a host must match one of the host's egress rules. If it goes to another host, it must also
 * match one of that host's ingress rules. The router drops all other packets.
 *
 * First, the router drops packets from a host with a source address of another host, like EC2's source
 * check: the rules identify a host by its address.
 */
export function ruleset(vpc: VpcModel): string {
  return `
table inet kafkalab
delete table inet kafkalab
table inet kafkalab {
${groups(vpc)}
${hosts(vpc)}
${addressMaps(vpc)}

${chains(vpc)}
}
${sourceCheck(vpc)}`;
}

const indented = (items: string[]) => items.map((item) => `    ${item}`).join("\n");
const elements = (items: string[]) =>
  items.length > 0 ? `elements = { ${items.join(", ")} }` : "";

/** The members and the rules of each security group. */
const groups = (vpc: VpcModel) =>
  vpc.groups
    .map(
      ({ id, rules }) => `  set ${id} {
    type ipv4_addr
    ${elements(vpc.hosts.filter((h) => h.groupIds.includes(id)).map((h) => h.privateIp))}
  }
  chain ${id}-egress {
${indented(groupRules(rules, "egress", "goto to-host"))}
  }
  chain ${id}-ingress {
${indented(groupRules(rules, "ingress", "accept"))}
  }`,
    )
    .join("\n");

/** The rules of each host's groups. */
const hosts = (vpc: VpcModel) =>
  vpc.hosts
    .map(
      (h) => `  chain ${h.id}-egress {
${indented(h.groupIds.map((g) => `jump ${g}-egress`))}
    drop
  }
  chain ${h.id}-ingress {
${indented(h.groupIds.map((g) => `jump ${g}-ingress`))}
    drop
  }`,
    )
    .join("\n");

function addressMaps(vpc: VpcModel): string {
  const publicHosts = vpc.hosts.filter((h) => h.publicIp !== undefined);
  return `  map egress-of {
    type ipv4_addr : verdict
    ${elements(vpc.hosts.map((h) => `${h.privateIp} : jump ${h.id}-egress`))}
  }
  map ingress-of {
    type ipv4_addr : verdict
    ${elements(vpc.hosts.map((h) => `${h.privateIp} : jump ${h.id}-ingress`))}
  }
  map private-of {
    type ipv4_addr : ipv4_addr
    ${elements(publicHosts.map((h) => `${h.publicIp} : ${h.privateIp}`))}
  }
  set public-hosts {
    type ipv4_addr
    ${elements(publicHosts.map((h) => h.privateIp))}
  }
  set nat-hosts {
    type ipv4_addr
    ${elements(vpc.hosts.filter((h) => h.behindNat).map((h) => h.privateIp))}
  }`;
}

/** The path of a packet through the router. */
const chains = (vpc: VpcModel) => `  chain to-host {
    oifname "tap0" ip saddr @public-hosts accept
    oifname "tap0" ip saddr @nat-hosts accept
    oifname "br-*" ip daddr vmap @ingress-of
    drop
  }
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    ct state invalid drop
    iifname "br-*" ip saddr vmap @egress-of
    iifname "uplink" ct status dnat ip daddr vmap @ingress-of
  }
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iifname "lo" accept
    iifname "br-*" udp dport { 53, 67 } accept
    iifname "br-*" tcp dport { 53, 80 } accept
    iifname "uplink" ct status dnat ip daddr ${MIRROR.address} tcp dport 80 accept
  }
  chain internet-in {
    type nat hook prerouting priority dstnat;
    iifname "uplink" ip daddr ${endsOf(vpc.slot).router} tcp dport ${TRIAL_PORT} counter dnat ip to ${MIRROR.address}:80
    iifname "uplink" dnat ip to ip daddr map @private-of
  }
  chain internet-out {
    type nat hook postrouting priority srcnat;
    oifname "tap0" masquerade
  }`;

/** Drops packets with a source address that is not the sending host's own. */
const sourceCheck = (vpc: VpcModel) => `
table bridge kafkalab
delete table bridge kafkalab
table bridge kafkalab {
  set addresses {
    type ifname . ether_addr . ipv4_addr
    ${elements(vpc.hosts.map((h) => `"${hostPort(h.id)}" . ${h.mac} . ${h.privateIp}`))}
  }
  set hardware {
    type ifname . ether_addr
    ${elements(vpc.hosts.map((h) => `"${hostPort(h.id)}" . ${h.mac}`))}
  }
  chain from-host {
    type filter hook prerouting priority filter; policy drop;
    iifname . ether saddr != @hardware drop
    iifname . ether saddr . ip saddr @addresses accept
    ip saddr 0.0.0.0 udp dport 67 accept
    iifname . arp saddr ether != @hardware drop
    iifname . arp saddr ether . arp saddr ip @addresses accept
    arp saddr ip 0.0.0.0 accept
  }
}
`;

function groupRules(
  rules: RuleModel[],
  direction: RuleModel["direction"],
  verdict: string,
): string[] {
  const address = direction === "ingress" ? "ip saddr" : "ip daddr";
  return rules
    .filter((rule) => rule.direction === direction)
    .map((rule) => {
      const peer = rule.peerGroupId ? `@${rule.peerGroupId}` : (rule.cidr ?? "0.0.0.0/0");
      return `${address} ${peer} ${protocolMatch(rule)} ${verdict}`;
    });
}

function protocolMatch({ protocol, fromPort, toPort }: RuleModel): string {
  if (protocol === "-1") {
    return "";
  }
  if (protocol === "icmp") {
    return fromPort === undefined || fromPort === -1
      ? "ip protocol icmp"
      : `icmp type ${fromPort}${toPort === undefined || toPort === -1 ? "" : ` icmp code ${toPort}`}`;
  }
  return `${protocol} dport ${fromPort}-${toPort}`;
}
