import { fromApache, LOCAL_MIRROR, type Product } from "../lib/archive-pins";
import { ARCHITECTURES } from "../lib/instance-types";
import { type Breach } from "./breach";
import { boolean, choice, Computed, type Rule, text, texts } from "./define";
import { breach, rule } from "./rules";

export const target = choice({
  name: "target",
  words: ["local", "aws"],
  default: "local",
  text: "Where hosts run: local (on this Linux machine) or aws (on EC2, which costs money).",
  change:
    "Do not change it in a stack; use the stack local for this machine and the stack dev for AWS.",
  example: "aws",
});

const region = text({
  name: "region",
  default: "ap-northeast-2",
  rule: rule(
    "be the name of an AWS region",
    (value) => !/^[a-z]{2}(-[a-z]+){1,2}-\d$/.test(value),
    "Take one such as ap-northeast-2",
  ),
  text: "The AWS region. It has no effect on the local target.",
  change: "A change replaces everything.",
  example: "us-west-2",
});

const running = boolean({
  name: "running",
  default: true,
  text:
    "Whether the hosts run. false pauses the lab: Pulumi stops all hosts, brokers first, and " +
    "removes the NAT gateway of the private topology. Only the volumes and the brokers' elastic IP " +
    "addresses still cost money.",
  change:
    "true starts the hosts again. They keep their data, names, ids and elastic IP addresses, but get new " +
    "automatic public addresses.",
  example: false,
});

export const architecture = choice({
  name: "architecture",
  words: ARCHITECTURES,
  default: new Computed("x86_64 on AWS, this machine's on the local target", (context) =>
    context.get(target) === "local" ? context.machine : "x86_64",
  ),
  also: {
    text: "on the local target this machine's",
    check: (value, context) =>
      breach(
        context.get(target) === "local" && value !== context.machine,
        `be this machine's (${context.machine}) on the local target`,
        "Leave it out",
      ),
  },
  text: "The CPU architecture of all hosts. It decides the AMI; instance types must have the same.",
  change: "A change replaces every host and keeps the data volumes.",
  example: "arm64",
});

export const archiveUrl = text({
  name: "archiveUrl",
  default: "",
  rule: {
    text: "be an http or https URL on port 80 or 443, without user, query or a slash at its end",
    check: (value, context) =>
      value === "" ? undefined : badArchiveUrl(value, context.get(target)),
  },
  text:
    "The server from which hosts download Kafka and ZooKeeper. It must have the layout of Apache's " +
    "archive. If empty, hosts use Apache's mirror network, then its archive.",
  change: "A change applies to the next download; installed releases stay.",
  example: "https://mirror.corp.kr/apache",
});

/** AWS allows 50 tags on a resource. The lab itself uses five of them. */
const MAX_TAGS = 45;

const tags = texts({
  name: "tags",
  rule: {
    text:
      `hold at most ${MAX_TAGS} tags, with names of 1 to 128 and values of up to 256 letters, ` +
      "digits, spaces and _.:/=+-@, and none of Name, Project, Stack, Lab, StopOrder",
    each: () => badTag,
    together: (values) => {
      const surplus = Object.keys(values).length - MAX_TAGS;
      return breach(
        surplus > 0,
        `hold at most ${MAX_TAGS} tags, since a resource has at most 50 with the lab's own`,
        `Leave out ${surplus}`,
      );
    },
  },
  text: "Further tags for every resource. Numbers, true and false are taken as texts.",
  change: "A change affects the tags and nothing else.",
  example: { team: "data", CostCenter: 4401 },
});

/** The settings of the lab as a whole. */
export const LAB = [target, region, running, architecture, archiveUrl, tags] as const;

/**
 * The rule for a release: `archives.json` pins its archive, and the archive server has it.
 *
 * @param text The rule for the release itself.
 */
export function release(product: Product, text: string): Rule<string> {
  return {
    text: `${text} whose checksum is in components/lib/archives.json`,
    check: (value, context) => {
      const pinned = context.pins[product];
      const server = context.get(archiveUrl);
      const isServed = (version: string) =>
        !fromApache(server) || pinned[version]?.some(({ origin }) => origin === "apache") === true;
      const versions = Object.keys(pinned);
      const served = versions.filter(isServed).join(", ");
      return (
        breach(
          product === "kafka" && /^([4-9]|\d\d+)(\.|$)/.test(value),
          "be below 4.0, since Kafka 4 has no ZooKeeper",
          `Take ${served}`,
        ) ??
        breach(
          product === "zookeeper" && !value.startsWith("3.8."),
          "be a release of 3.8, which is what Kafka 3.9 uses",
          `Take ${served}`,
        ) ??
        breach(
          !versions.includes(value),
          `be a version whose checksum is pinned (${versions.join(", ")})`,
          `Take ${served}, or add the archive and its SHA-512 to components/lib/archives.json`,
        ) ??
        breach(
          !isServed(value),
          `be a version that is pinned in the form in which Apache's servers have it (${served})`,
          `Take ${served}, or set kafkalab:archiveUrl to a server of your own that has ` +
            (pinned[value] ?? []).map(({ file }) => file).join(" or "),
        )
      );
    },
  };
}

function badArchiveUrl(value: string, where: string): Breach | undefined {
  const remedy = "Leave it out to take Apache's servers, or name a mirror of the same layout";
  const match = /^https?:\/\/([A-Za-z0-9.-]+)(?::(\d+))?(\/[A-Za-z0-9._~-]+)*$/.exec(value);
  if (match === null || !URL.canParse(value)) {
    return { rule: "be an http or https URL without user, query or a slash at its end", remedy };
  }
  const [, host = "", port = "80"] = match;
  return (
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
      where !== "local" && host === LOCAL_MIRROR,
      `not be ${LOCAL_MIRROR}, which only the local target has`,
      remedy,
    )
  );
}

function badTag([key, value]: [string, string]): Breach | undefined {
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
