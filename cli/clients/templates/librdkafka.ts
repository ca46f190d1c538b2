import { kcatConnection } from "../connection";
import { kcatLines, type Template } from "./template";

/** Properties for any client that is built on librdkafka. */
export const librdkafka: Template = {
  file: "librdkafka.conf",
  summary: "properties for any client that is built on librdkafka (C, C++, .NET, PHP, Ruby, …)",
  comment: "#",
  hasPemFile: true,
  command: ({ topic, file }) => `kcat -F ${file} -C -t ${topic} -o beginning -c 1`,
  body: ({ access, pemFile }) => `
${kcatLines(kcatConnection(access, pemFile))}

# Producers: a record counts as sent when all replicas in sync have it, and a retry does not repeat it.
# The same key goes to the same partition as with Java clients.
acks=all
enable.idempotence=true
partitioner=murmur2_random

# Consumers: a new group starts with the oldest record.
group.id=kafkalab-librdkafka
auto.offset.reset=earliest`,
};
