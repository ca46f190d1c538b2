/*
 * A client with @platformatic/kafka: produces, consumes in a group, and uses transactions.
 *
 * Inputs: BOOTSTRAP (HOST:PORT,...), TOPIC and GROUP in the environment; RECORDS may change the number of records.
 * SECURITY may name a JSON file with protocol, ca, certificate, key, username and password; without it the client
 * uses PLAINTEXT.
 * With --during it produces and consumes until standard input ends.
 */
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { Counts } from "./counts.mjs";

// The package is for Node.js 22.22 and later. This is all that Node.js 20 lacks for it.
Promise.withResolvers ??= () => {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
};

const {
  Admin,
  Consumer,
  FetchIsolationLevels,
  MessagesStreamFallbackModes,
  MessagesStreamModes,
  ProduceAcks,
  Producer,
  stringDeserializers,
  stringSerializers,
} = await import("@platformatic/kafka");

const CLIENT = "node";
const PARTITIONS = 6;
/** With this many keys every partition gets records. */
const KEYS = 60;
const PER_SECOND = 200;
/** The number of records that are sent at a time. */
const BATCH = 1000;
/** How long a client waits for records or acknowledgements. */
const LIMIT_MS = 120_000;
/** How long a consumer may take to leave its group. */
const CLOSE_MS = 5_000;

const { BOOTSTRAP = "", TOPIC = "", GROUP = "", RECORDS = "10000", SECURITY = "" } = process.env;
const TRANSACTIONS = `${TOPIC}-transactions`;
const records = Number(RECORDS);

const connection = {
  ...{ clientId: "kafkalab-test", bootstrapBrokers: BOOTSTRAP.split(",") },
  ...(SECURITY === "" ? {} : securityIn(JSON.parse(readFileSync(SECURITY, "utf8")))),
};

function securityIn({ protocol, ca, certificate: cert, key, username, password }) {
  return {
    tls: { ca, cert, key },
    ...(protocol === "SASL_SSL" && { sasl: { mechanism: "SCRAM-SHA-512", username, password } }),
  };
}

function version() {
  const entry = new URL(import.meta.resolve("@platformatic/kafka"));
  return JSON.parse(readFileSync(new URL("../package.json", entry), "utf8")).version;
}

const keyOf = (number) => `key-${number % KEYS}`;

const recordOf = (number) => ({
  topic: TOPIC,
  partition: number % PARTITIONS,
  key: keyOf(number),
  value: String(number),
  headers: { number: String(number), client: CLIENT },
});

const hasHeaders = ({ value, headers }) =>
  headers.size === 2 && headers.get("number") === value && headers.get("client") === CLIENT;

function watched(client, counts) {
  client.on("client:broker:failed", () => counts.addError("connect")); // it does not say why
  return client;
}

async function createTopics(counts, ...topics) {
  const admin = watched(new Admin(connection), counts);
  await admin.createTopics({ topics, partitions: PARTITIONS, replicas: -1 });
  await admin.close();
}

const newProducer = (counts, options = {}) =>
  watched(
    new Producer({
      ...{ ...connection, serializers: stringSerializers, idempotent: true, acks: ProduceAcks.ALL },
      ...options,
    }),
    counts,
  );

const newConsumer = (counts, groupId, options = {}) =>
  watched(
    new Consumer({
      ...{ ...connection, groupId, deserializers: stringDeserializers },
      ...{ sessionTimeout: 10_000, ...options },
    }),
    counts,
  );

/**
 * Sends records, those of each partition in a request of their own: the producer sends a request again to the
 * leader of its first record, so that one for several partitions may never end once leaders change. It numbers
 * the records of a partition by the answers, so each partition has one request at a time.
 */
async function send(producer, counts, numbers) {
  counts.produced += numbers.length;
  const sends = Array.from({ length: PARTITIONS }, async (_, partition) => {
    const own = numbers.filter((number) => number % PARTITIONS === partition);
    if (own.length === 0) {
      return;
    }
    try {
      await producer.send({ messages: own.map(recordOf) });
      own.forEach((number) => counts.acknowledged.add(number));
    } catch (error) {
      counts.error("delivery", error);
    }
  });
  await Promise.all(sends);
}

async function produce(counts, from, to) {
  const producer = newProducer(counts);
  for (let first = from; first < to; first += BATCH) {
    const length = Math.min(BATCH, to - first);
    await send(
      producer,
      counts,
      Array.from({ length }, (_, index) => first + index),
    );
  }
  await producer.close();
}

/**
 * Calls `take` with each message until it returns true or the signal comes, and then `end` with the consumer.
 * An error ends a stream, such as the stop of the broker that leads the group. Then another consumer goes on at
 * the committed offsets.
 */
async function read(newOne, counts, options, { take, signal, end = () => undefined }) {
  const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve));
  for (let over = false; !over;) {
    const consumer = newOne();
    const reading = consumer
      .consume({ maxWaitTime: 200, ...options })
      .then((stream) => readStream(stream, take, signal))
      .then(() => end(consumer));
    over = await Promise.race([reading, aborted]).then(
      () => true,
      (error) => counts.error("stream", error),
    );
    const closed = consumer.close(true).catch((error) => counts.error("close", error));
    await Promise.race([closed, delay(CLOSE_MS)]);
  }
}

/** Returns when there is enough or the signal comes. Throws the stream's error. */
function readStream(stream, take, signal) {
  return new Promise((resolve, reject) => {
    const finish = () => {
      stream.removeAllListeners("data").pause();
      resolve();
    };
    signal.addEventListener("abort", finish);
    stream.on("error", (error) => {
      signal.removeEventListener("abort", finish);
      reject(error);
    });
    stream.on("data", (message) => {
      if (take(message)) {
        finish();
      }
    });
  });
}

const fromGroup = (topics) => ({
  topics,
  mode: MessagesStreamModes.COMMITTED,
  fallbackMode: MessagesStreamFallbackModes.EARLIEST,
});

/** Reads in the group until there is enough, commits, and leaves the group. */
async function consume(counts, isEnough) {
  const newOne = () => newConsumer(counts, GROUP, { autocommit: false });
  const offsets = new Map();
  const take = (message) => {
    const { topic, partition, offset, value } = message;
    counts.read(Number(value), hasHeaders(message));
    offsets.set(partition, { topic, partition, offset: offset + 1n, leaderEpoch: -1 });
    return isEnough();
  };
  const end = (consumer) => consumer.commit({ offsets: [...offsets.values()] });
  const signal = AbortSignal.timeout(LIMIT_MS);
  await read(newOne, counts, fromGroup([TOPIC]), { take, signal, end });
}

async function committed(counts) {
  const admin = watched(new Admin(connection), counts);
  const partitionIndexes = Array.from({ length: PARTITIONS }, (_, index) => index);
  const groups = await admin.listConsumerGroupOffsets({
    groups: [{ groupId: GROUP, topics: [{ name: TOPIC, partitionIndexes }] }],
  });
  await admin.close();
  return groups
    .flatMap(({ topics }) => topics)
    .flatMap(({ partitions }) => partitions)
    .reduce((sum, { committedOffset }) => sum + Number(committedOffset), 0);
}

/** Commits, aborts and commits again: whoever reads the last records has passed the aborted ones. */
async function transact(counts) {
  const producer = newProducer(counts, { transactionalId: GROUP });
  for (const outcome of ["committed", "aborted", "committed"]) {
    const transaction = await producer.beginTransaction();
    await transaction.send({
      messages: Array.from({ length: KEYS }, (_, number) => ({
        ...{ topic: TRANSACTIONS, key: keyOf(number), value: outcome },
      })),
    });
    await (outcome === "committed" ? transaction.commit() : transaction.abort());
  }
  await producer.close();
  return {
    committed: 2 * KEYS,
    aborted: KEYS,
    readCommitted: await readTransactions(counts, FetchIsolationLevels.READ_COMMITTED),
    readUncommitted: await readTransactions(counts, FetchIsolationLevels.READ_UNCOMMITTED),
  };
}

/** Reads until all committed records have come, and returns how many records came. */
async function readTransactions(counts, isolationLevel) {
  const values = [];
  const take = ({ value }) => {
    values.push(value);
    return values.filter((each) => each === "committed").length === 2 * KEYS;
  };
  const newOne = () => newConsumer(counts, `${GROUP}-${isolationLevel}`, { autocommit: false });
  const options = { topics: [TRANSACTIONS], mode: MessagesStreamModes.EARLIEST, isolationLevel };
  await read(newOne, counts, options, { take, signal: AbortSignal.timeout(LIMIT_MS) });
  return values.length;
}

async function once() {
  const counts = new Counts();
  await createTopics(counts, TOPIC, TRANSACTIONS);
  await produce(counts, 0, records);
  await consume(counts, () => counts.distinct.size === records);
  const ofGroup = await committed(counts);

  // These records come behind the others in each partition, so a second run would read the others first.
  const later = new Counts();
  await produce(later, records, records + KEYS);
  await consume(later, () => later.lost() === 0);
  Object.entries(later.errors).forEach(([name, count]) => counts.addError(name, count));

  const transaction = await transact(counts);
  return counts.report(CLIENT, version(), {
    withHeaders: counts.withHeaders,
    committed: ofGroup,
    again: [...later.distinct].filter((number) => number < records).length,
    transaction,
  });
}

/** Sends the next numbers at PER_SECOND until standard input ends. */
async function keepSending(counts) {
  let stopped = false;
  process.stdin.on("end", () => (stopped = true)).resume();
  const producer = newProducer(counts);
  const began = performance.now();
  let next = 0;
  while (!stopped) {
    const due = Math.floor(((performance.now() - began) / 1000) * PER_SECOND);
    const numbers = Array.from({ length: due - next }, (_, index) => next + index);
    next = due;
    if (numbers.length > 0) {
      await send(producer, counts, numbers);
    }
    await delay(20);
  }
  await producer.close();
}

async function during() {
  const counts = new Counts();
  await createTopics(counts, TOPIC);
  const newOne = () => newConsumer(counts, GROUP, { autocommit: 1000 });
  const over = new AbortController();
  const take = (message) => {
    if (counts.consumed === 0) {
      console.log(JSON.stringify({ flowing: true }));
    }
    counts.read(Number(message.value), hasHeaders(message));
    return false;
  };
  const reading = read(newOne, counts, fromGroup([TOPIC]), { take, signal: over.signal });
  await keepSending(counts);
  const deadline = performance.now() + LIMIT_MS;
  while (counts.lost() > 0 && performance.now() < deadline) {
    await delay(50);
  }
  over.abort();
  await reading;
  return counts.report(CLIENT, version(), { longestPauseMs: Math.round(counts.longestPauseMs) });
}

const MODES = { "": once, "--during": during };
const mode = MODES[process.argv.slice(2).join(" ")];
if (mode === undefined || [BOOTSTRAP, TOPIC, GROUP].includes("")) {
  console.error("client: needs BOOTSTRAP, TOPIC and GROUP; the only argument is --during");
  process.exit(1);
}
const report = await mode();
// A connection that does not close must not keep the program.
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
