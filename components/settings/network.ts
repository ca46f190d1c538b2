import { capacity, contains, MAX_ZONES, MIN_ZONES, parseCidr } from "../lib/addresses";
import {
  badBlock,
  checkedBlock,
  LOCAL_ADDRESSES,
  lacksThisMachine,
  overlapping,
  OWN_ADDRESS,
  strayBits,
} from "./blocks";
import { type Breach } from "./breach";
import { clients } from "./clients";
import { choice, Computed, type Context, list, text } from "./define";
import { domainRule } from "./domain";
import { instanceType } from "./instance-type";
import { brokers } from "./kafka";
import { target } from "./lab";
import { breach } from "./rules";

const PRIVATE_BLOCKS = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];

const availabilityZones = list({
  name: "availabilityZones",
  default: [],
  each: (value) =>
    breach(
      !/^[a-z]{2}(-[a-z]+){1,2}-\d[a-z]$/.test(value),
      "hold names of availability zones",
      "Take such as ap-northeast-2a",
    ),
  rule: {
    text: `hold ${MIN_ZONES} to ${MAX_ZONES} different zones, or none`,
    check: (values) =>
      breach(
        values.length > 0 &&
          (values.length < MIN_ZONES ||
            values.length > MAX_ZONES ||
            new Set(values).size < values.length),
        `hold ${MIN_ZONES} to ${MAX_ZONES} different zones, or none`,
        "Leave it out to take the first ones of the region",
      ),
  },
  text:
    "The zones that hosts are spread over. If empty, Pulumi takes the first three zones of the " +
    "region that need no opt-in.",
  change:
    "A change moves hosts to other zones. A data volume cannot move: Pulumi replaces it with an empty one.",
  example: ["ap-northeast-2a", "ap-northeast-2c"],
});

/** Whether hosts have public addresses. */
export const topology = choice({
  name: "topology",
  words: ["public", "private"],
  default: "public",
  text:
    "public, as in the book: every host has a public address. private: only the bastion, " +
    "peter-bastion01, can reach the hosts, and they download through a NAT gateway. On AWS the " +
    "gateway costs about 0.06 USD an hour and 0.06 USD a GB; the bastion costs extra.",
  change: "A change replaces every host and keeps the data volumes.",
  example: "private",
});

const vpcCidr = text({
  name: "vpcCidr",
  default: "10.20.0.0/16",
  rule: {
    text:
      "be a private IPv4 block from /16 to /25 with an address for each broker and client host; on the " +
      "local target also one to which this machine has no route",
    check: (value, context) => badVpc(value) ?? tooFewAddresses(value, context),
  },
  text: "The IPv4 block of the VPC.",
  change: "A change replaces everything.",
  example: "10.99.0.0/16",
});

const sshAllowedCidrs = list({
  name: "sshAllowedCidrs",
  default: new Computed(
    `${LOCAL_ADDRESSES} on the local target, by which this machine and its hosts see one another; ` +
      "none on AWS",
    (context) => (context.get(target) === "local" ? [LOCAL_ADDRESSES] : []),
  ),
  each: badBlock("SSH"),
  rule: {
    text:
      "hold IPv4 blocks from /8 to /32 that do not overlap: at least one on AWS, and on the local " +
      `target ${LOCAL_ADDRESSES} or a part of it`,
    check: (values, context) => noneOrOverlapping(values) ?? lacksThisMachine(values, context),
  },
  text:
    "The IPv4 blocks whose addresses may use SSH. You must set it on AWS: " +
    "https://checkip.amazonaws.com shows your own address; write it as ADDRESS/32.",
  change: "A change affects the security groups and nothing else.",
  example: ["203.0.113.7/32"],
});

const bastionInstanceType = instanceType({
  name: "bastionInstanceType",
  defaults: { x86_64: "t3.nano", arm64: "t4g.nano" },
  text: "The EC2 instance type of the bastion, which the private topology has.",
  change: "A change stops the bastion and starts it again.",
  example: "t3.micro",
});

const domain = text({
  name: "domain",
  default: "foo.bar",
  rule: domainRule,
  text: "The domain of the host names: the name of the private DNS zone, and the hosts' search domain.",
  change: "A change replaces every host and keeps the data volumes.",
  example: "kafka.corp.kr",
});

/** The settings of the network. */
export const NETWORK = [
  topology,
  availabilityZones,
  vpcCidr,
  sshAllowedCidrs,
  domain,
  bastionInstanceType,
] as const;

function badVpc(value: string): Breach | undefined {
  const example = "Take one such as 10.20.0.0/16";
  const block = parseCidr(value);
  if (block === undefined) {
    return { rule: "be an IPv4 CIDR", remedy: example };
  }
  return (
    strayBits(block) ??
    breach(block.prefix < 16 || block.prefix > 25, "be between a /16 and a /25", example) ??
    breach(
      !PRIVATE_BLOCKS.some((outer) => contains(checkedBlock(outer), block)),
      `lie in one of the private ranges ${PRIVATE_BLOCKS.join(", ")}`,
      example,
    )
  );
}

function tooFewAddresses(value: string, context: Context): Breach | undefined {
  const { prefix } = checkedBlock(value);
  const count = context.get(brokers);
  const room = capacity(prefix, MIN_ZONES, "kafka");
  const clientCount = context.get(clients);
  const clientRoom = capacity(prefix, MIN_ZONES, "client", count);
  const wider = `Choose a wider block, such as ${value.split("/")[0]}/16`;
  return (
    breach(
      count > room,
      `have an address for each of the ${count} brokers (this one has room for ${room})`,
      `${wider}, or fewer brokers`,
    ) ??
    breach(
      clientCount > clientRoom,
      `have an address for each of the ${clientCount} client hosts (this one has room for ${clientRoom} beside ${count} brokers)`,
      `${wider}, or fewer client hosts or brokers`,
    )
  );
}

function noneOrOverlapping(values: string[]): Breach | undefined {
  if (values.length === 0) {
    return {
      rule: "name the addresses that may use SSH",
      remedy:
        `On AWS there is no default; ${OWN_ADDRESS} and set it with: ` +
        "pulumi config set --path 'kafkalab:sshAllowedCidrs[0]' ADDRESS/32",
    };
  }
  return overlapping(values);
}
