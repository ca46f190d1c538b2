import type { ZooKeeperLevel } from "./zookeeper-security";

/** How clients connect: without encryption, over TLS with a certificate, or with a password over TLS. */
export type SecurityMode = (typeof SECURITY_MODES)[number];

/** The modes, by their names in the settings. */
export const SECURITY_MODES = ["plaintext", "tls", "sasl"] as const;

/** The CA of a lab that never changed it. */
export const FIRST_CA: CaRotation = { from: 1, to: 1 };

/** The mode of a lab. While it changes, brokers serve clients of the former and of the new one. */
export interface Security {
  from: SecurityMode;
  /** The same as `from` if the mode does not change. */
  to: SecurityMode;
}

/** The only stage of a lab without security. */
export const PLAINTEXT: SecurityStage = {
  ...{ modes: ["plaintext"], ca: FIRST_CA.to, trusted: [FIRST_CA.to] },
  ...{ replicatesOverTls: false, authenticatesToZooKeeper: false, protectsZnodes: false },
};

/** A lab without security. */
export const NO_SECURITY: Security = { from: "plaintext", to: "plaintext" };

/** The number of a CA. While it changes, everybody trusts the present and the next one. */
export interface CaRotation {
  from: number;
  /** The same as `from` if the CA does not change; otherwise the next number. */
  to: number;
}

/** Whether brokers ask clients for a certificate: the values of Kafka's `ssl.client.auth`. */
export type ClientAuth = "required" | "requested" | "none";

/** The principal of the brokers and of the lab's own tools; the only super user. */
export const LAB_PRINCIPAL = "kafkalab";

/** Whether brokers need certificates at all. */
export function isSecure({ from, to }: Security): boolean {
  return from !== "plaintext" || to !== "plaintext";
}

/**
 * The level of the ensemble's security (zookeeper-security.ts). On the way back to plaintext its nodes still
 * accept logins, so that brokers can stop to log in one by one.
 */
export function zooKeeperLevel(security: Security): ZooKeeperLevel {
  if (!isSecure(security)) {
    return 0;
  }
  return security.to === "plaintext" ? 1 : 3;
}

/** The modes that brokers serve, the former first. */
export function modesOf({ from, to }: Security): SecurityMode[] {
  return from === to ? [to] : [from, to];
}

/** The security of a broker during one stage of a change. */
export interface SecurityStage {
  /** The modes that brokers serve. */
  modes: SecurityMode[];
  /** Whether brokers replicate over TLS, on a listener of their own. */
  replicatesOverTls: boolean;
  /** Whether brokers authenticate to ZooKeeper. */
  authenticatesToZooKeeper: boolean;
  /** Whether brokers protect the znodes that they create. */
  protectsZnodes: boolean;
  /** What becomes of the znodes that are there, once every broker has reached this stage. */
  znodeAcls?: "secure" | "unsecure";
  /** The CA that has signed the brokers' certificates. */
  ca: number;
  /** The CAs that brokers trust. */
  trusted: number[];
}

/**
 * The CAs that a lab has: the one in use, and the next one while brokers begin to trust it, or the former
 * one, so that brokers can stop to trust it.
 */
export function casOf(ca: CaRotation): number[] {
  return [...new Set(caStages(ca).flatMap(({ trusted }) => trusted))].sort((one, two) => one - two);
}

/**
 * The steps to a CA. A broker's certificate and the CAs that it trusts never change in one step, and a
 * certificate waits until every broker, and every client, trusts its CA.
 */
function caStages({ from, to }: CaRotation): Pick<SecurityStage, "ca" | "trusted">[] {
  if (from !== to) {
    return [
      { ca: from, trusted: [from] },
      { ca: from, trusted: [from, to] },
    ];
  }
  const settled = { ca: to, trusted: [to] };
  if (to === FIRST_CA.to) {
    return [settled];
  }
  const [former, both] = [to - 1, [to - 1, to]];
  return [
    { ca: former, trusted: [former] },
    { ca: former, trusted: both },
    { ca: to, trusted: both },
    settled,
  ];
}

/**
 * The stages of the brokers' security, in order; all brokers reach a stage before the first goes on. The
 * last one is the wanted state.
 *
 * Replication moves to TLS only when every broker has the listener for it, and brokers protect znodes only
 * when every broker can authenticate; on the way back the other way round.
 */
export function securityStages(security: Security, ca = FIRST_CA): SecurityStage[] {
  const common = { modes: modesOf(security), ca: ca.to, trusted: [ca.to] };
  const secured = {
    ...common,
    ...{ replicatesOverTls: true, authenticatesToZooKeeper: true, protectsZnodes: true },
  };
  const { from, to } = security;
  if (!isSecure(security)) {
    return [PLAINTEXT];
  }
  if (from === "plaintext") {
    const first = { ...secured, replicatesOverTls: false, protectsZnodes: false };
    return [first, { ...secured, znodeAcls: "secure" }];
  }
  if (to === "plaintext") {
    const first = { ...secured, protectsZnodes: false, znodeAcls: "unsecure" as const };
    const last = { ...first, replicatesOverTls: false, authenticatesToZooKeeper: false };
    return [first, { ...last, znodeAcls: undefined }];
  }
  return caStages(ca).map((step) => ({ ...secured, ...step }));
}
