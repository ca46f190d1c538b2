import { longestHostName } from "./names";
import { type Breach, type Rule } from "./setting-reader";

/** Linux takes no longer host name (HOST_NAME_MAX). */
const MOST_CHARACTERS = 64;

/** A domain that nobody can use for a lab, with every name below it. */
interface Reserved {
  domains: string[];
  /** What it is kept for, as the rest of "must not be a domain ...". */
  why: string;
}

const RESERVED: Reserved[] = [
  {
    // RFC 6761, 6762, 7686, 8375 and 9476; localdomain as nss-myhostname and systemd-resolved have it.
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

/**
 * A DNS domain for the private zone and the names of hosts.
 *
 * @param servers Names of servers that hosts download from, and that the zone must not hide.
 */
export function domain(servers: string[]): Rule<string> {
  return (value) =>
    malformed(value) ?? tooLong(value) ?? reserved(value) ?? hidesServer(value, servers);
}

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
  const longest = longestHostName();
  const most = MOST_CHARACTERS - longest.length - 1;
  return value.length > most
    ? {
        rule:
          `have at most ${most} characters, since a host name with its domain, such as ` +
          `${longest}.foo.bar, has at most ${MOST_CHARACTERS}`,
        remedy: `Shorten it by ${value.length - most}`,
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

/** Whether a name is this domain or lies below it. */
function isIn(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`);
}
