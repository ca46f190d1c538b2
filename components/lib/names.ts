/** The kinds of host in the lab. */
export type Role = "zookeeper" | "kafka" | "bastion";

const PREFIXES: Record<Role, string> = {
  zookeeper: "peter-zk",
  kafka: "peter-kafka",
  bastion: "peter-bastion",
};

/** How many hosts of each role a lab may have. */
export const MOST_HOSTS: Record<Role, number> = { zookeeper: 9, kafka: 300, bastion: 1 };

/** The longest short name that a host of a lab can have. */
export function longestHostName(): string {
  const roles = Object.keys(PREFIXES) as Role[];
  return roles
    .map((role) => hostName(role, MOST_HOSTS[role]))
    .reduce((longest, name) => (name.length > longest.length ? name : longest));
}

/**
 * Which hosts stop first when all of them stop: brokers hand over and leave while ZooKeeper is there.
 * A tag of the host, for whoever stops hosts.
 */
export const STOP_ORDER: Record<Role, number> = { kafka: 1, zookeeper: 2, bastion: 3 };

/** The short host name that an ordinal (from 1) alone decides: `peter-zk01`, `peter-kafka12`. */
export function hostName(role: Role, ordinal: number): string {
  return `${PREFIXES[role]}${String(ordinal).padStart(2, "0")}`;
}

/** The full host names of nodes 1 to `count` of a role, in order. */
export function fullNames(role: Role, count: number, domain: string): string[] {
  return ordinals(count).map((ordinal) => `${hostName(role, ordinal)}.${domain}`);
}

/** 1 to `count`. The ordinal is a node's identity: host name, record, `myid` and `broker.id`. */
export function ordinals(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

/** The first of a list that is never empty. */
export function firstOf<T>(items: T[]): T {
  const [first] = items;
  if (first === undefined) {
    throw new Error("one item or more is needed");
  }
  return first;
}
