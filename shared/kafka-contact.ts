/*
 * How the lab's own tools reach the brokers: on a broker's host, as the login user. In a secured lab they use
 * the brokers' own listener, with the certificate of the broker on whose host they run.
 */

/** The port that brokers use among themselves in a secured lab. */
export const REPLICATION_PORT = 9091;

/** The directory on a broker's host with its certificates and keys. Only root and the group `kafka` may read it. */
export const SECRETS = "/etc/kafkalab/kafka-server.secrets";

/** The configuration of Kafka's own tools for {@link REPLICATION_PORT}. */
export const ADMIN_PROPERTIES = `${SECRETS}/admin.properties`;

/** The configuration of kcat for {@link REPLICATION_PORT}. */
export const ADMIN_KCAT = `${SECRETS}/admin.kcat`;

/** `kcat`, and the options with which it reaches brokers. No word needs quotes in a shell. */
export function kcat(servers: readonly string[]): string[] {
  return ["kcat", ...(isSecure(servers) ? ["-F", ADMIN_KCAT] : []), "-b", servers.join(",")];
}

/**
 * The options with which Kafka's own tools reach brokers. No word needs quotes in a shell.
 *
 * @param config The tool's option for a configuration file.
 */
export function bootstrap(servers: readonly string[], config = "--command-config"): string[] {
  const own = isSecure(servers) ? [config, ADMIN_PROPERTIES] : [];
  return ["--bootstrap-server", servers.join(","), ...own];
}

/** Whether these brokers expect the lab's certificate. */
export function isSecure(servers: readonly string[]): boolean {
  return servers.some((server) => server.endsWith(`:${REPLICATION_PORT}`));
}
