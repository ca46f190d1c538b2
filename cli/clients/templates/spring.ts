import { springConnection } from "../connection";
import type { Template } from "./template";

const SERIALIZATION = "org.apache.kafka.common.serialization";

/** The configuration of Spring for Apache Kafka in a Spring Boot application. */
export const spring: Template = {
  file: "application.yml",
  summary: "application.yml for Spring Boot with Spring for Apache Kafka",
  comment: "#",
  command: ({ file }) =>
    `java -jar YOUR-APPLICATION.jar --spring.config.additional-location=file:${file}`,
  body: ({ access, topic }) => `
spring:
  kafka:
${springConnection(access)
  .map((line) => `    ${line}`)
  .join("\n")}
    producer:
      acks: all
      key-serializer: ${SERIALIZATION}.StringSerializer
      value-serializer: ${SERIALIZATION}.StringSerializer
    consumer:
      group-id: kafkalab-spring
      auto-offset-reset: earliest
      key-deserializer: ${SERIALIZATION}.StringDeserializer
      value-deserializer: ${SERIALIZATION}.StringDeserializer
    template:
      default-topic: ${topic}`,
};
