"""Copies a topic exactly once, with confluent-kafka: the offsets that it reads and the records that it writes are
one transaction.

Inputs: see common.py; the only mode is --during. A producer writes records until standard input ends, a job copies
them to the topic TOPIC-copies, and a reader that sees only what was committed counts the copies. So "lost" are
records that were acknowledged and never copied, and "duplicates" those that were copied twice.
"""

import sys
import threading

import common
import confluent
from common import GROUP, LIMIT_SECONDS, TOPIC, Counts
from confluent_kafka import KafkaException, TopicPartition

COPIES = f"{TOPIC}-copies"
# One transaction a second: more would keep a small machine busy with nothing else.
BATCH, BATCH_SECONDS = 1000, 1.0


class Job:
    """Reads records, writes their copies, and commits both together."""

    def __init__(self, counts):
        self._counts = counts
        self._reader = confluent.consumer(
            counts, f"{GROUP}-job", enable_auto_commit=False, isolation_level="read_committed"
        )
        self._reader.subscribe([TOPIC])
        self._producer = None
        # Whether the reader has passed records whose copies were not committed.
        self._is_ahead = False

    def step(self):
        """Copies some records. After an error the next step begins where the last transaction has ended."""
        try:
            if self._producer is None:
                self._producer = confluent.producer(self._counts, transactional_id=f"{GROUP}-job")
                self._retried(self._producer.init_transactions)
            if self._is_ahead:
                self._rewind()
            records = [record for record in self._reader.consume(BATCH, BATCH_SECONDS) if record.error() is None]
            if records:
                self._copy(records)
        except KafkaException as failed:
            self._counts.error(f"transaction: {failed.args[0].name()}")
            self._is_ahead = True
            self._abort(failed.args[0])

    def close(self):
        self._reader.close()

    def _copy(self, records):
        self._producer.begin_transaction()
        for record in records:
            self._producer.produce(COPIES, key=record.key(), value=record.value())
        positions = [each for each in self._reader.position(self._reader.assignment()) if each.offset >= 0]
        group = self._reader.consumer_group_metadata()
        self._retried(lambda limit: self._producer.send_offsets_to_transaction(positions, group, limit))
        self._retried(self._producer.commit_transaction)

    def _abort(self, error):
        """Ends the transaction. A producer that cannot is replaced: its successor ends the transaction."""
        try:
            if error.txn_requires_abort():
                self._retried(self._producer.abort_transaction)
            else:
                self._producer = None
        except KafkaException as failed:
            self._counts.error(f"abort: {failed.args[0].name()}")
            self._producer = None

    def _rewind(self):
        for partition in self._reader.committed(self._reader.assignment(), timeout=LIMIT_SECONDS):
            # A negative offset means that nothing was committed yet: then the group begins at the first record.
            offset = partition.offset if partition.offset >= 0 else confluent.OFFSET_BEGINNING
            self._reader.seek(TopicPartition(partition.topic, partition.partition, offset))
        self._is_ahead = False

    def _retried(self, call):
        """Calls until the call ends, as the library asks its users to do."""
        while True:
            try:
                return call(LIMIT_SECONDS)
            except KafkaException as failed:
                if not failed.args[0].retriable():
                    raise
                self._counts.error(f"again: {failed.args[0].name()}")


def during():
    counts = Counts()
    confluent.create_topics(counts, TOPIC, COPIES)
    stop, over = common.end_of_input(), threading.Event()
    job = Job(counts)
    reader = confluent.consumer(counts, GROUP, enable_auto_commit=False, isolation_level="read_committed")
    # Not in a group, which would read a record again when its coordinator goes away.
    partitions = range(common.PARTITIONS)
    reader.assign([TopicPartition(COPIES, partition, confluent.OFFSET_BEGINNING) for partition in partitions])

    def copy():
        while not over.is_set():
            job.step()

    def read():
        while not over.is_set():
            record = confluent.poll(reader, counts)
            if record is not None:
                counts.read(int(record.value()))

    threads = [threading.Thread(target=work, daemon=True) for work in (copy, read)]
    for thread in threads:
        thread.start()
    common.tell_when_flowing(counts)
    to = confluent.producer(counts)

    def send_one(number):
        confluent.send(to, counts, number)
        to.poll(0)

    common.paced(stop, send_one)
    to.flush(LIMIT_SECONDS)
    common.until(lambda: counts.lost() == 0)
    over.set()
    for thread in threads:
        thread.join()
    job.close()
    reader.close()
    return counts.lasting_report("exactly-once", confluent.VERSION)


if __name__ == "__main__":
    common.main(lambda: sys.exit("exactly_once.py: it only runs with --during"), during)
