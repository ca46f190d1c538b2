import { springConnection } from "../connection";
import { JAVA_SERIALIZATION, type Template } from "./template";

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
      key-serializer: ${JAVA_SERIALIZATION}.StringSerializer
      value-serializer: ${JAVA_SERIALIZATION}.StringSerializer
    consumer:
      group-id: kafkalab-spring
      auto-offset-reset: earliest
      key-deserializer: ${JAVA_SERIALIZATION}.StringDeserializer
      value-deserializer: ${JAVA_SERIALIZATION}.StringDeserializer
    template:
      default-topic: ${topic}`,
};
