import { librdkafkaConnection, type Property } from "../connection";
import { literal } from "../escape";
import type { Template } from "./template";

/** A program for confluent-kafka, Confluent's client for Python. */
export const python: Template = {
  file: "kafkalab_client.py",
  summary: "a program that sends a record and reads it back, with confluent-kafka",
  comment: "#",
  command: ({ file }) => `pip install confluent-kafka && python3 ${file}`,
  body: ({ access, topic }) => `
import sys
import time
import uuid

from confluent_kafka import Consumer, KafkaException, Producer

CONNECTION = {
${librdkafkaConnection(access)
  .map((property) => `    "${property[0]}": ${pythonValue(property)},`)
  .join("\n")}
}
TOPIC = "${topic}"
GROUP = "kafkalab-python"


def produce(value: str) -> None:
    """Sends a record, and waits until all replicas in sync have it."""

    def delivered(error, message):
        if error is not None:
            raise KafkaException(error)
        print(f"sent {value} to partition {message.partition()}, offset {message.offset()}")

    producer = Producer({**CONNECTION, "acks": "all", "enable.idempotence": True})
    producer.produce(
        TOPIC, key="hello", value=value, headers={"sender": "python"}, on_delivery=delivered
    )
    if producer.flush(30) > 0:
        sys.exit("No broker acknowledged the record within 30 s.")


def consume(value: str) -> None:
    """Reads the topic as a member of a group until the record arrives, and commits its offset."""
    consumer = Consumer(
        {
            **CONNECTION,
            "group.id": GROUP,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([TOPIC])
    deadline = time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            message = consumer.poll(1.0)
            if message is None:
                continue
            if message.error():
                raise KafkaException(message.error())
            if message.value() == value.encode():
                consumer.commit(message, asynchronous=False)
                print(f"read {value} from partition {message.partition()}, offset {message.offset()}")
                return
    finally:
        consumer.close()
    sys.exit("The record did not arrive within 60 s.")


record = f"hello-{uuid.uuid4()}"
produce(record)
consume(record)`,
};

/** A string of Python. PEM texts keep their lines. */
function pythonValue([name, value]: Property): string {
  return name.endsWith(".pem") ? `"""${value}"""` : literal(value);
}
