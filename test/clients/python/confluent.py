"""A client with confluent-kafka (librdkafka): produces, consumes in a group, and uses transactions.

Inputs: see common.py. With --during it produces and consumes until standard input ends.
"""

import importlib.metadata
import threading

import common
import confluent_kafka
from common import BOOTSTRAP, GROUP, KEYS, LIMIT_SECONDS, PARTITIONS, RECORDS, TOPIC, Counts, key_of
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

CLIENT = "python"
VERSION = f"{importlib.metadata.version('confluent-kafka')} (librdkafka {confluent_kafka.libversion()[0]})"
TRANSACTIONS = f"{TOPIC}-transactions"


def settings(counts, **more):
    return {
        "bootstrap.servers": BOOTSTRAP,
        **common.librdkafka_security(),
        "error_cb": lambda error: counts.error(error.name()),
        **{name.replace("_", "."): value for name, value in more.items()},
    }


def create_topics(counts, *names):
    topics = [NewTopic(name, num_partitions=PARTITIONS, replication_factor=-1) for name in names]
    admin = AdminClient(settings(counts))
    for created in admin.create_topics(topics, operation_timeout=LIMIT_SECONDS).values():
        created.result(LIMIT_SECONDS)


def producer(counts, **more):
    return Producer(settings(counts, acks="all", enable_idempotence=True, **more))


def consumer(counts, group, **more):
    return Consumer(settings(counts, group_id=group, auto_offset_reset="earliest", **more))


def send(to, counts, number):
    def delivered(error, _):
        if error is None:
            counts.acknowledge(number)
        else:
            counts.error(f"delivery: {error.name()}")

    counts.produced += 1
    try:
        to.produce(
            TOPIC,
            key=key_of(number),
            value=str(number),
            headers=[("number", str(number)), ("client", CLIENT)],
            on_delivery=delivered,
        )
    except KafkaException as refused:
        # Brokers that have just started, all of them, know no topic for a moment.
        counts.error(f"produce: {refused.args[0].name()}")


def has_headers(message):
    return message.headers() == [("number", message.value()), ("client", CLIENT.encode())]


def poll(reader, counts):
    message = reader.poll(0.2)
    if message is not None and message.error() is not None:
        counts.error(message.error().name())
        return None
    return message


def produce(counts, numbers):
    to = producer(counts)
    for number in numbers:
        send(to, counts, number)
        to.poll(0)
    to.flush(LIMIT_SECONDS)


def consume(counts, is_enough):
    """Reads in the group until there is enough, commits, and leaves the group."""
    reader = consumer(counts, GROUP, enable_auto_commit=False)
    reader.subscribe([TOPIC])

    def enough():
        message = poll(reader, counts)
        if message is not None:
            counts.read(int(message.value()), has_headers(message))
        return is_enough()

    common.until(enough, pause=0)
    if counts.consumed > 0:
        reader.commit(asynchronous=False)
    reader.close()


def committed(counts):
    asks = consumer(counts, GROUP)
    partitions = [TopicPartition(TOPIC, partition) for partition in range(PARTITIONS)]
    offsets = [each.offset for each in asks.committed(partitions, timeout=LIMIT_SECONDS)]
    asks.close()
    return sum(offset for offset in offsets if offset > 0)


def transactions(counts):
    """Commits, aborts and commits again: whoever reads the last records has passed the aborted ones."""
    to = producer(counts, transactional_id=GROUP)
    to.init_transactions(LIMIT_SECONDS)
    for outcome in ("committed", "aborted", "committed"):
        to.begin_transaction()
        for number in range(KEYS):
            to.produce(TRANSACTIONS, key=key_of(number), value=outcome)
        if outcome == "committed":
            to.commit_transaction(LIMIT_SECONDS)
        else:
            to.flush(LIMIT_SECONDS)  # so that the records are in the log
            to.abort_transaction(LIMIT_SECONDS)
    return {
        "committed": 2 * KEYS,
        "aborted": KEYS,
        "readCommitted": read_transactions(counts, "read_committed"),
        "readUncommitted": read_transactions(counts, "read_uncommitted"),
    }


def read_transactions(counts, isolation):
    """Reads until all committed records have come. Returns how many records came."""
    reader = consumer(counts, f"{GROUP}-{isolation}", isolation_level=isolation)
    reader.assign([TopicPartition(TRANSACTIONS, partition, OFFSET_BEGINNING) for partition in range(PARTITIONS)])
    values = []

    def enough():
        message = poll(reader, counts)
        if message is not None:
            values.append(message.value())
        return values.count(b"committed") == 2 * KEYS

    common.until(enough, pause=0)
    reader.close()
    return len(values)


def once():
    counts = Counts()
    create_topics(counts, TOPIC, TRANSACTIONS)
    produce(counts, range(RECORDS))
    consume(counts, lambda: len(counts.distinct) == RECORDS)
    of_group = committed(counts)

    # These records come behind the others in each partition, so a second run would read the others first.
    later = Counts()
    produce(later, range(RECORDS, RECORDS + KEYS))
    consume(later, lambda: later.lost() == 0)
    counts.errors.update(later.errors)

    transaction = transactions(counts)
    return counts.report(
        CLIENT,
        VERSION,
        withHeaders=counts.with_headers,
        committed=of_group,
        again=len([number for number in later.distinct if number < RECORDS]),
        transaction=transaction,
    )


def during():
    counts = Counts()
    create_topics(counts, TOPIC)
    stop = common.end_of_input()
    over = threading.Event()
    reader = consumer(counts, GROUP)
    reader.subscribe([TOPIC])

    def read():
        while not over.is_set():
            message = poll(reader, counts)
            if message is not None:
                counts.read(int(message.value()))

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    common.tell_when_flowing(counts)
    to = producer(counts)

    def send_one(number):
        send(to, counts, number)
        to.poll(0)

    common.paced(stop, send_one)
    to.flush(LIMIT_SECONDS)
    common.until(lambda: counts.lost() == 0)
    over.set()
    reading.join()
    reader.close()
    return counts.lasting_report(CLIENT, VERSION)


if __name__ == "__main__":
    common.main(once, during)
