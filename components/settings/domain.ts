import { archiveHosts } from "../lib/archive-pins";
import { longestHostName } from "../lib/names";
import { type Breach } from "./breach";
import { type Rule } from "./define";
import { archiveUrl } from "./lab";

/** The longest host name that Linux accepts (HOST_NAME_MAX). */
const LONGEST_NAME = 64;

/** The maximum length of the domain: the rest is for the short host name and a dot. */
const LONGEST_DOMAIN = LONGEST_NAME - longestHostName().length - 1;

/** Domains that a lab cannot use, including their subdomains. */
interface Reserved {
  domains: string[];
  /** The reason: the rest of "must not be a domain ...". */
  why: string;
}

const RESERVED: Reserved[] = [
  {
    // RFC 6761, 6762, 7686, 8375 and 9476. nss-myhostname and systemd-resolved answer localdomain.
    domains: [
      ...["localhost", "localdomain", "local", "invalid", "test", "onion", "alt", "arpa"],
      ...["example", "example.com", "example.net", "example.org"],
    ],
    why: "that is reserved, so that resolvers answer it themselves or Route 53 refuses it",
  },
  {
    domains: ["internal", "amazonaws.com", "amazonaws.com.cn", "aws"],
    why: "that the cloud itself uses",
  },
  {
    domains: ["debian.org", "apache.org", "ntp.org"],
    why: "in which hosts look up servers for downloads and time, since the lab's zone would hide them",
  },
];

const EXAMPLE = "Take one such as foo.bar";

/** The rule for the domain of the private zone and the host names. */
export const domainRule: Rule<string> = {
  text:
    `be two or more labels of lower-case letters, digits and inner hyphens, at most ${LONGEST_DOMAIN} ` +
    "characters, and no reserved domain such as example.com or localhost",
  check: (value, context) =>
    malformed(value) ??
    tooLong(value) ??
    reserved(value) ??
    hidesServer(value, archiveHosts(context.get(archiveUrl))),
};

function malformed(value: string): Breach | undefined {
  const labels = value.split(".");
  if (labels.length < 2 || !labels.every((label) => LABEL.test(label))) {
    return {
      rule: "be two or more labels of lower-case letters, digits and inner hyphens, joined by dots",
      remedy: EXAMPLE,
    };
  }
  return /^[0-9]+$/.test(labels.at(-1) ?? "")
    ? {
        rule: "not end in a number, which resolvers take for the end of an address",
        remedy: EXAMPLE,
      }
    : undefined;
}

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

function tooLong(value: string): Breach | undefined {
  return value.length > LONGEST_DOMAIN
    ? {
        rule:
          `have at most ${LONGEST_DOMAIN} characters, since a host name with its domain, such as ` +
          `${longestHostName()}.foo.bar, has at most ${LONGEST_NAME}`,
        remedy: `Shorten it by ${value.length - LONGEST_DOMAIN}`,
      }
    : undefined;
}

function reserved(value: string): Breach | undefined {
  const found = RESERVED.find(({ domains }) => domains.some((name) => isIn(value, name)));
  return found && { rule: `not be a domain ${found.why}`, remedy: EXAMPLE };
}

function hidesServer(value: string, servers: string[]): Breach | undefined {
  const hidden = servers.find((server) => isIn(server, value));
  return hidden === undefined
    ? undefined
    : {
        rule: `not hold ${hidden} (kafkalab:archiveUrl), which the lab's zone would hide from hosts`,
        remedy: EXAMPLE,
      };
}

/** Whether a name is this domain or one of its subdomains. */
function isIn(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`);
}
