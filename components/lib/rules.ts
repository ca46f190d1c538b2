import { type Archive, fromApache, LOCAL_MIRROR, type Product } from "./archive-pins";
import { type Block, contains, formatCidr, networkOf, overlap, parseCidr } from "./addresses";
import { type Architecture, readInstanceType } from "./instance-types";
import { MOST_HOSTS } from "./names";
import { type Breach, type Rule } from "./setting-reader";

/** The addresses by which the local cloud and its user's machine see one another. */
export const LOCAL_ADDRESSES = "198.18.0.0/15";

const PRIVATE_BLOCKS = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];
const OWN_ADDRESS = "find your own address with: curl https://checkip.amazonaws.com";

/** One of a few words. */
export function oneOf(words: readonly string[]): Rule<string> {
  return (value) =>
    breach(!words.includes(value), `be one of ${words.join(", ")}`, `Choose ${words.join(" or ")}`);
}

/** The form of an AWS region's name. */
export function region(value: string): Breach | undefined {
  return breach(
    !/^[a-z]{2}(-[a-z]+){1,2}-\d$/.test(value),
    "be the name of an AWS region",
    "Take one such as ap-northeast-2",
  );
}

/** The architecture that hosts on this machine have. */
export function machine(architecture: Architecture): Rule<string> {
  return (value) =>
    breach(
      value !== architecture,
      `be this machine's (${architecture}) on the local target`,
      "Leave it out",
    );
}

/** The form of an availability zone's name. */
export function zone(value: string): Breach | undefined {
  return breach(
    !/^[a-z]{2}(-[a-z]+){1,2}-\d[a-z]$/.test(value),
    "hold names of availability zones",
    "Take such as ap-northeast-2a",
  );
}

/** The zones to use, if any are named. */
export function zones(least: number, most: number): Rule<string[]> {
  return (values) =>
    breach(
      values.length > 0 &&
        (values.length < least || values.length > most || new Set(values).size < values.length),
      `hold ${least} to ${most} different zones, or none`,
      "Leave it out to take the first ones of the region",
    );
}

/** A private block that can be cut into subnets. */
export function vpcCidr(value: string): Breach | undefined {
  const example = "Take one such as 10.20.0.0/16";
  const block = parseCidr(value);
  if (block === undefined) {
    return { rule: "be an IPv4 CIDR", remedy: example };
  }
  return (
    strayBits(block) ??
    breach(block.prefix < 16 || block.prefix > 25, "be between a /16 and a /25", example) ??
    breach(
      !PRIVATE_BLOCKS.some((outer) => contains(cidr(outer), block)),
      `lie in one of the private ranges ${PRIVATE_BLOCKS.join(", ")}`,
      example,
    )
  );
}

/** One block of addresses that may use SSH. */
export function sshCidr(value: string): Breach | undefined {
  const block = parseCidr(value);
  if (value.endsWith("/0")) {
    return { rule: "not open SSH to the whole internet", remedy: `Name your own: ${OWN_ADDRESS}` };
  }
  if (block === undefined) {
    return {
      rule: "hold IPv4 CIDRs",
      remedy: `A single address ends in /32; ${OWN_ADDRESS}`,
    };
  }
  return (
    strayBits(block) ??
    breach(block.prefix < 8, "not open SSH to more than a /8", `Name your own: ${OWN_ADDRESS}`)
  );
}

/** All the blocks of addresses that may use SSH. */
export function sshCidrs(local: boolean): Rule<string[]> {
  return (values) =>
    disjoint(values) ??
    breach(
      local && !values.some((value) => overlap(cidr(value), cidr(LOCAL_ADDRESSES))),
      `hold ${LOCAL_ADDRESSES} or a part of it on the local target, where this machine has its address`,
      "Leave it out to take that block",
    );
}

function disjoint(values: string[]): Breach | undefined {
  if (values.length === 0) {
    return {
      rule: "name the addresses that may use SSH",
      remedy:
        `On AWS there is no default; ${OWN_ADDRESS} and set it with: ` +
        "pulumi config set --path 'kafkalab:sshAllowedCidrs[0]' ADDRESS/32",
    };
  }
  const pair = values.flatMap((one, index) =>
    values.slice(index + 1).filter((other) => overlap(cidr(one), cidr(other))),
  );
  return breach(
    pair.length > 0,
    "hold blocks that do not overlap",
    `Leave out the narrower one (${pair.join(", ")})`,
  );
}

/** How many ZooKeeper nodes there may be. */
export function ensembleSize(value: number): Breach | undefined {
  return (
    breach(
      value < 1 || value > MOST_HOSTS.zookeeper,
      `be from 1 to ${MOST_HOSTS.zookeeper}`,
      "Take 3; 5 survive the loss of two",
    ) ??
    breach(
      value % 2 === 0,
      "be odd",
      `${value} nodes survive the loss of no more than ${value - 1} do; take ${value - 1} or ${value + 1}`,
    )
  );
}

/** How many brokers there may be. */
export function brokers(value: number): Breach | undefined {
  return breach(
    value < 1 || value > MOST_HOSTS.kafka,
    `be from 1 to ${MOST_HOSTS.kafka}`,
    "Take 3",
  );
}

/** How many copies of each partition there may be. */
export function replicationFactor(brokerCount: number): Rule<number> {
  return (value) =>
    breach(value < 1, "be 1 or more", "Take 3, or as many as there are brokers") ??
    breach(
      value > brokerCount,
      `not be above the number of brokers (${brokerCount})`,
      `Set kafkalab:replicationFactor to ${brokerCount} or less, or have ${value} brokers`,
    );
}

/** MiB/s for partitions that move. */
export function moveThrottle(value: number): Breach | undefined {
  return breach(
    value < 1 || value > 10_000,
    "be from 1 to 10000 (MiB/s)",
    "Take 25, or as much as the network and the volumes can spare",
  );
}

/** MiB of heap. */
export function heap(value: number): Breach | undefined {
  return breach(
    value < 64 || value > 65_536,
    "be from 64 to 65536 (MiB)",
    "Take 512 for ZooKeeper and 1024 or more for a broker",
  );
}

/**
 * A type that exists, of the lab's architecture, with room for the heap: at most this share of its
 * memory.
 */
export function instanceType(
  architecture: Architecture,
  heap = { name: "", mib: 0 },
  share = 1,
): Rule<string> {
  return (value) => {
    const type = readInstanceType(value);
    const example = "Take one such as t3.medium (x86_64) or t4g.medium (arm64)";
    if (typeof type === "string") {
      return { rule: type, remedy: example };
    }
    const roomMiB = type.memoryGiB === undefined ? Infinity : type.memoryGiB * 1024 * share;
    return (
      breach(
        type.architecture !== architecture,
        `be of the architecture ${architecture} (this one is ${type.architecture})`,
        `${example}, or set kafkalab:architecture to ${type.architecture}`,
      ) ??
      breach(
        heap.mib > roomMiB,
        `have memory for a heap of ${heap.mib} MiB (at most ${share * 100} % of it, ${roomMiB} MiB here)`,
        `Take a larger type, or set kafkalab:${heap.name} to ${roomMiB} or less`,
      )
    );
  };
}

/** A version whose archive is pinned, in a form that the server of archives has. */
export function version(
  product: Product,
  pinned: Record<string, Archive[]>,
  archiveUrl: string,
): Rule<string> {
  const isServed = (value: string) =>
    !fromApache(archiveUrl) || pinned[value]?.some(({ origin }) => origin === "apache") === true;
  const versions = Object.keys(pinned);
  const known = versions.filter(isServed).join(", ");
  return (value) =>
    breach(
      product === "kafka" && /^([4-9]|\d\d+)(\.|$)/.test(value),
      "be below 4.0, since Kafka 4 has no ZooKeeper",
      `Take ${known}`,
    ) ??
    breach(
      product === "zookeeper" && !value.startsWith("3.8."),
      "be a release of 3.8, which is what Kafka 3.9 uses",
      `Take ${known}`,
    ) ??
    breach(
      !versions.includes(value),
      `be a version whose checksum is pinned (${versions.join(", ")})`,
      `Take ${known}, or add the archive and its SHA-512 to components/lib/archives.json`,
    ) ??
    breach(
      !isServed(value),
      `be a version that is pinned in the form in which Apache's servers have it (${known})`,
      `Take ${known}, or set kafkalab:archiveUrl to a server of your own that has ` +
        (pinned[value] ?? []).map(({ file }) => file).join(" or "),
    );
}

/** A name that Kafka takes for a topic. */
export function topic(value: string): Breach | undefined {
  return breach(
    !/^[a-zA-Z0-9._-]{1,249}$/.test(value) || /^(\.\.?|__.*)$/.test(value),
    "be 1 to 249 letters, digits, dots, hyphens and underscores, and start with no two underscores",
    "Take one such as peter-overview01",
  );
}

/** Where archives are fetched from; an empty text for Apache's own servers. */
export function archiveUrl(target: string): Rule<string> {
  const remedy = "Leave it out to take Apache's servers, or name a mirror of the same layout";
  return (value) => {
    if (value === "") {
      return undefined;
    }
    const match = /^https?:\/\/([A-Za-z0-9.-]+)(?::(\d+))?(\/[A-Za-z0-9._~-]+)*$/.exec(value);
    const [, host = "", port = "80"] = match ?? [];
    return (
      breach(
        match === null || !URL.canParse(value),
        "be an http or https URL without user, query or a slash at its end",
        remedy,
      ) ??
      breach(
        !["80", "443"].includes(port),
        "have the port 80 or 443, which are all that the firewall lets hosts reach",
        remedy,
      ) ??
      breach(
        /^(localhost|127\..*)$|\.localhost$/i.test(host),
        "not be the loopback, which on each host is the host itself",
        remedy,
      ) ??
      breach(
        target !== "local" && host === LOCAL_MIRROR,
        `not be ${LOCAL_MIRROR}, which only the local target has`,
        remedy,
      )
    );
  };
}

/** One tag, as AWS takes it. */
export function tag([key, value]: [string, string]): Breach | undefined {
  return (
    breach(
      !/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u.test(key) ||
        !/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u.test(value),
      "hold names of 1 to 128 and values of up to 256 letters, digits, spaces and _.:/=+-@",
      "Shorten it or leave the other characters out",
    ) ??
    breach(
      /^(aws:.*|Name|Project|Stack|Lab|StopOrder)$/i.test(key),
      "not set Name, Project, Stack, Lab, StopOrder or names that start with aws:, which are taken",
      "Choose another name",
    )
  );
}

/** AWS takes 50 tags for a resource, of which five are the lab's own. */
const MOST_TAGS = 45;

/** All further tags. */
export function tags(values: Record<string, string>): Breach | undefined {
  const count = Object.keys(values).length;
  return breach(
    count > MOST_TAGS,
    `hold at most ${MOST_TAGS} tags, since a resource has at most 50 with the lab's own`,
    `Leave out ${count - MOST_TAGS}`,
  );
}

function strayBits(block: Block): Breach | undefined {
  const network = formatCidr(networkOf(block));
  return breach(
    network !== formatCidr(block),
    "start at the first address of its block",
    `Write it as ${network}`,
  );
}

function cidr(text: string): Block {
  return parseCidr(text) ?? { first: 0, prefix: 32 };
}

function breach(broken: boolean, rule: string, remedy: string): Breach | undefined {
  return broken ? { rule, remedy } : undefined;
}
