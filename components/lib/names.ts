/** The kinds of host in the lab. */
export type Role = "zookeeper" | "kafka" | "client" | "bastion";

const PREFIXES: Record<Role, string> = {
  zookeeper: "peter-zk",
  kafka: "peter-kafka",
  client: "peter-client",
  bastion: "peter-bastion",
};

/** The maximum number of hosts of each role. */
export const MOST_HOSTS: Record<Role, number> = {
  zookeeper: 9,
  kafka: 300,
  client: 20,
  bastion: 1,
};

/** The longest possible short name of a host. */
export function longestHostName(): string {
  const roles = Object.keys(PREFIXES) as Role[];
  return roles
    .map((role) => hostName(role, MOST_HOSTS[role]))
    .reduce((longest, name) => (name.length > longest.length ? name : longest));
}

/**
 * The order in which hosts stop: clients need brokers to finish their work, and brokers need ZooKeeper for a
 * controlled shutdown. It is a tag of each host, so that tools which stop hosts can follow it.
 */
export const STOP_ORDER: Record<Role, number> = { client: 0, kafka: 1, zookeeper: 2, bastion: 3 };

/** The short host name. The role and the ordinal (from 1) determine it: `peter-zk01`, `peter-kafka12`. */
export function hostName(role: Role, ordinal: number): string {
  return `${PREFIXES[role]}${String(ordinal).padStart(2, "0")}`;
}

/** The full host names of nodes 1 to `count` of a role, in order. */
export function fullNames(role: Role, count: number, domain: string): string[] {
  return ordinals(count).map((ordinal) => `${hostName(role, ordinal)}.${domain}`);
}

/** The numbers 1 to `count`. A node's ordinal determines its host name, DNS record, `myid` or `broker.id`. */
export function ordinals(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

/** The `Name` tag of a host's elastic IP address. */
export const addressName = (host: string) => `${host}-address`;

/** The `Name` tag of the NAT gateway's elastic IP address. */
export const NAT_ADDRESS = "network-nat-address";

/** Returns the first item of a list that must not be empty. */
export function firstOf<T>(items: T[]): T {
  const [first] = items;
  if (first === undefined) {
    throw new Error("one item or more is needed");
  }
  return first;
}
