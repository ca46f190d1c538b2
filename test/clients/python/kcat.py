"""Produces and consumes in a group with kcat (librdkafka). It has neither transactions nor administration.

Inputs: see common.py. With --during it produces and consumes until standard input ends.
The topic must exist.
"""

import re
import subprocess

import common
from common import BOOTSTRAP, GROUP, TOPIC, Counts, key_of
from tools import SettingsFolder, Tool, run, run_once

CLIENT = "kcat"
FOLDER = SettingsFolder()


def config():
    """A file for -F. kcat cannot read PEM texts in it, so it names a file for each of them."""
    lines = []
    for name, value in common.librdkafka_security().items():
        if name.endswith(".pem"):
            name, value = name.removesuffix("pem") + "location", FOLDER.write(name, value)
        lines.append(f"{name}={value}\n")
    return FOLDER.write("kcat.conf", "".join(lines))


KCAT = ["kcat", "-F", config()]
PRODUCE = [
    *[*KCAT, "-P", "-E", "-b", BOOTSTRAP, "-t", TOPIC, "-K", ":", "-H", f"client={CLIENT}"],
    *["-X", "acks=all", "-X", "enable.idempotence=true"],
]
# Headers, key and value.
CONSUME = [
    *[*KCAT, "-G", GROUP, "-E", "-q", "-b", BOOTSTRAP, "-X", "auto.offset.reset=earliest"],
    *["-u", "-f", r"%h %k:%s\n"],
]


def version():
    text = subprocess.run(["kcat", "-V"], capture_output=True, text=True, check=True).stdout
    return re.search(r"Version (\S+)", text)[1] + " " + re.search(r"\(.*(librdkafka \S+)", text)[1]


def error_in(counts):
    """Counts the errors in librdkafka's log by their facility, and those of kcat by their text."""

    def take(line):
        log = re.match(r"%[0-3]\|[^|]*\|(\w+)\|", line)
        failed = re.search(r"(?:ERROR|failed for message): (.*)", line)
        if log is not None:
            counts.error(log[1])
        elif failed is not None:
            counts.error(re.sub(r"\d+|\[[^\]]*\]", "N", failed[1]))

    return take


def read_into(counts):
    def take(line):
        headers, _, record = line.partition(" ")
        key, _, value = record.partition(":")
        number = int(value)
        counts.read(number, headers == f"client={CLIENT}" and key == key_of(number))

    return take


def produce(counts, numbers):
    lines = "".join(f"{key_of(number)}:{number}\n" for number in numbers)
    before = counts.errors.total()
    run(counts, PRODUCE, lines, error=error_in(counts))
    counts.produced += len(numbers)
    if counts.errors.total() == before:
        # kcat waits until every record is acknowledged, and prints each one that is not.
        for number in numbers:
            counts.acknowledge(number)


def consume(counts, how_many):
    run(counts, [*CONSUME, "-c", str(how_many), TOPIC], line=read_into(counts), error=error_in(counts))


def once():
    return run_once(CLIENT, version(), produce, consume)


def during():
    counts = Counts()
    stop = common.end_of_input()
    failed = []

    def error(line):
        if "failed for message" in line:
            failed.append(line)
        error_in(counts)(line)

    producer = Tool(PRODUCE, line=lambda _: None, error=error)
    sent = []

    def send(number):
        producer.write(f"{key_of(number)}:{number}\n")
        sent.append(number)
        counts.produced += 1

    consumer = Tool([*CONSUME, TOPIC], line=read_into(counts), error=error_in(counts))
    common.tell_when_flowing(counts)
    common.paced(stop, send)
    producer.end_input()
    if producer.wait() == 0 and not failed:
        for number in sent:
            counts.acknowledge(number)
    common.until(lambda: counts.acknowledged and counts.lost() == 0)
    consumer.stop()
    return counts.lasting_report(CLIENT, version())


common.main(once, during)
