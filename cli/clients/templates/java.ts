import { javaConnection } from "../connection";
import { JAVA_SERIALIZATION, javaLines, type Template } from "./template";

/** Properties for Kafka's console tools and for any Java client. */
export const java: Template = {
  file: "client.properties",
  summary: "client.properties for Kafka's console tools and any Java client",
  comment: "#",
  command: ({ access, topic, file }) =>
    `bin/kafka-console-consumer.sh --bootstrap-server ${access.bootstrapServers} --consumer.config ${file} --topic ${topic} --from-beginning --max-messages 1`,
  body: ({ access }) => `
${javaLines(javaConnection(access))}

# Producers: a record counts as sent when all replicas in sync have it, and a retry does not repeat it.
acks=all
enable.idempotence=true
key.serializer=${JAVA_SERIALIZATION}.StringSerializer
value.serializer=${JAVA_SERIALIZATION}.StringSerializer

# Consumers: a new group starts with the oldest record.
group.id=kafkalab-java
auto.offset.reset=earliest
key.deserializer=${JAVA_SERIALIZATION}.StringDeserializer
value.deserializer=${JAVA_SERIALIZATION}.StringDeserializer`,
};
