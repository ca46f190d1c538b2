import { nodeConnection } from "../connection";
import type { Template } from "./template";

/** The release of the client that the tests run. */
export const NODE_CLIENT = "@platformatic/kafka@2.12.1";

/**
 * A program for `@platformatic/kafka`: it is pure JavaScript, and its authors maintain it. kafkajs has had no
 * release since 2023, and Confluent's client needs a native build. Its line 1.x, for Node.js 20, loses its stream
 * when another broker becomes the leader of a partition.
 */
export const node: Template = {
  file: "kafkalab-client.mjs",
  summary: "a program that sends a record and reads it back, with @platformatic/kafka",
  comment: "//",
  command: ({ file }) => `npm install ${NODE_CLIENT} && node ${file}`,
  body: ({ access, topic }) => `
import { randomUUID } from "node:crypto";

// The package is for Node.js 22.22 and later. This is all that Node.js 20 lacks for it.
Promise.withResolvers ??= () => {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
};
const { Consumer, ProduceAcks, Producer, stringDeserializers, stringSerializers } =
  await import("@platformatic/kafka");

const connection = {
  clientId: "kafkalab-node",
${nodeConnection(access).join("\n")}
};
const topic = "${topic}";
const groupId = "kafkalab-node";

/** Sends a record, and waits until all replicas in sync have it. */
async function produce(value) {
  const producer = new Producer({ ...connection, serializers: stringSerializers });
  try {
    const { offsets } = await producer.send({
      messages: [{ topic, key: "hello", value, headers: { sender: "node" } }],
      acks: ProduceAcks.ALL,
    });
    for (const { partition, offset } of offsets ?? []) {
      console.log("sent %s to partition %d, offset %s", value, partition, String(offset));
    }
  } finally {
    await producer.close();
  }
}

/** Reads the topic as a member of a group until the record arrives, and commits its offset. */
async function consume(value) {
  const consumer = new Consumer({ ...connection, groupId, deserializers: stringDeserializers });
  const stream = await consumer.consume({
    topics: [topic],
    mode: "committed",
    fallbackMode: "earliest", // a new group starts with the oldest record
    autocommit: false,
    maxWaitTime: 500,
  });
  const late = setTimeout(() => stream.destroy(new Error("The record did not arrive within 60 s.")), 60_000);
  try {
    for await (const message of stream) {
      if (message.value === value) {
        await message.commit();
        console.log("read %s from partition %d, offset %s", value, message.partition, String(message.offset));
        break;
      }
    }
  } finally {
    clearTimeout(late);
    await consumer.close(true);
  }
}

const record = "hello-" + randomUUID();
await produce(record);
await consume(record);`,
};
