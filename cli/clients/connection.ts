/*
 * Everything that depends on the security of the listener: each client's own words for a ClientAccess. The
 * templates insert these lines and know nothing about protocols.
 */
import type { ClientAccess } from "./access";

/** Properties of Java clients. */
export function javaConnection({ bootstrapServers, protocol }: ClientAccess): [string, string][] {
  return [
    ["bootstrap.servers", bootstrapServers],
    ["security.protocol", protocol],
  ];
}

/** Properties of librdkafka, which kcat and confluent-kafka use, too. */
export function librdkafkaConnection({
  bootstrapServers,
  protocol,
}: ClientAccess): [string, string][] {
  return [
    ["bootstrap.servers", bootstrapServers],
    ["security.protocol", protocol],
  ];
}

/** Lines of an object for the constructors of `@platformatic/kafka`. Without `tls` they use PLAINTEXT. */
export function nodeConnection({ bootstrapServers }: ClientAccess): string[] {
  const servers = bootstrapServers.split(",").map((server) => `    "${server}",`);
  return ["  bootstrapBrokers: [", ...servers, "  ],"];
}

/** Options for `kgo.NewClient` of franz-go. Without `kgo.DialTLS` they use PLAINTEXT. */
export function goConnection({ bootstrapServers }: ClientAccess): string[] {
  const servers = bootstrapServers.split(",").map((server) => `\t\t"${server}",`);
  return ["\tkgo.SeedBrokers(", ...servers, "\t),"];
}

/** Lines below `spring.kafka`. */
export function springConnection({ bootstrapServers, protocol }: ClientAccess): string[] {
  return [`bootstrap-servers: ${bootstrapServers}`, "security:", `  protocol: ${protocol}`];
}
