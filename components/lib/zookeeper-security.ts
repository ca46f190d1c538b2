import { secretFile } from "../../operator/service/files";
import type { ZooKeeperLevelWish } from "../../operator/wish";
import { zooCfg, zookeeperUnit } from "./zookeeper-config";

/**
 * How much the members of an ensemble require that others log in with SASL (DIGEST-MD5). Members of two
 * neighbouring levels work together. Clients may log in from level 1 on, and never have to: the access
 * control lists of the znodes decide what they may do.
 *
 * - 0: nobody can log in.
 * - 1: a member accepts logins, of clients and of other members.
 * - 2: in addition, a member logs in to others.
 * - 3: in addition, a member refuses others that do not log in.
 */
export type ZooKeeperLevel = 0 | 1 | 2 | 3;

/** The passwords of the users that exist in ZooKeeper. */
export interface ZooKeeperPasswords {
  /** Of the brokers. */
  kafka: string;
  /** Of the members among themselves. */
  quorum: string;
}

/** What the files of a node depend on besides its security level. */
export interface EnsembleSettings {
  heapMiB: number;
  /** The lines of `zoo.cfg` that come from settings of their own. */
  lines: Record<string, string>;
  /** Further lines of `zoo.cfg`. */
  further: Record<string, string>;
}

/** The user of the brokers in ZooKeeper. It owns their znodes. */
const KAFKA_USER = "kafka";
/** The user of the members among themselves. */
const QUORUM_USER = "quorum";

/** The lines that each level adds to `zoo.cfg`. Source: "Quorum SASL" in ZooKeeper's wiki and its QuorumAuth. */
const LINES: Record<string, string>[] = [
  {},
  {
    "authProvider.sasl": "org.apache.zookeeper.server.auth.SASLAuthenticationProvider",
    "quorum.auth.enableSasl": "true",
  },
  { "quorum.auth.learnerRequireSasl": "true" },
  { "quorum.auth.serverRequireSasl": "true" },
];

/** The keys of `zoo.cfg` that the security levels need. */
export const ZOOKEEPER_SECURITY_KEYS = LINES.flatMap((lines) => Object.keys(lines));

/** The lines of `zoo.cfg` of a level. */
export function securityLines(level: ZooKeeperLevel): Record<string, string> {
  return Object.assign({}, ...LINES.slice(0, level + 1)) as Record<string, string>;
}

/** The login configuration of a member. */
export function memberJaas({ kafka, quorum }: ZooKeeperPasswords): string {
  return [
    section("Server", { [`user_${KAFKA_USER}`]: kafka }),
    section("QuorumServer", { [`user_${QUORUM_USER}`]: quorum }),
    section("QuorumLearner", { username: QUORUM_USER, password: quorum }),
  ].join("");
}

/** The login configuration of a broker. */
export function brokerJaas({ kafka }: Pick<ZooKeeperPasswords, "kafka">): string {
  return section("Client", { username: KAFKA_USER, password: kafka });
}

/**
 * The path of the login configuration on a host of the service.
 *
 * @param service systemd unit without `.service`.
 */
export function jaasFile(service: string, jaas: string): string {
  return secretFile(service, "jaas", ".conf", jaas);
}

/**
 * Returns the files of a node at each security level, in order: only those of level 0 without passwords.
 *
 * @param passwords Needed as long as a node may be at another level than 0, also on the way back.
 */
export function ensembleLevels(
  { heapMiB, lines, further }: EnsembleSettings,
  passwords?: ZooKeeperPasswords,
): ZooKeeperLevelWish[] {
  const none = { config: zooCfg(lines, further), unit: zookeeperUnit(heapMiB) };
  if (passwords === undefined) {
    return [none];
  }
  const jaas = memberJaas(passwords);
  const path = jaasFile("zookeeper-server", jaas);
  const levels = ([1, 2, 3] as const).map((level) => ({
    config: zooCfg(lines, further, securityLines(level)),
    unit: zookeeperUnit(heapMiB, path),
    secrets: { [path]: jaas },
  }));
  return [none, ...levels];
}

/**
 * One section of a login configuration.
 *
 * @throws Error if a value needs an escape. Java replaces `${...}` in a value, and a backslash.
 */
function section(name: string, options: Record<string, string>): string {
  const lines = Object.entries(options).map(([key, value]) => {
    if (!/^[\w.+/=-]+$/.test(value)) {
      throw new Error(
        `the ${key} of the login section ${name} must consist of letters, digits and . _ + / = -`,
      );
    }
    return `\n  ${key}="${value}"`;
  });
  const module = "org.apache.zookeeper.server.auth.DigestLoginModule";
  return `${name} {\n  ${module} required${lines.join("")};\n};\n`;
}
