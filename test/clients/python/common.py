"""What the clients in Python share: their settings, their counts and their report.

Inputs: BOOTSTRAP (HOST:PORT,...), TOPIC and GROUP in the environment; RECORDS may change the number of records, and
PER_SECOND how many of them a lasting client sends in a second.
SECURITY may name a JSON file with protocol, ca, certificate, key, username and password; without it the clients
use PLAINTEXT.
"""

import collections
import json
import os
import sys
import threading
import time

BOOTSTRAP = os.environ["BOOTSTRAP"]
TOPIC = os.environ["TOPIC"]
GROUP = os.environ["GROUP"]
RECORDS = int(os.environ.get("RECORDS", "10000"))
SASL_MECHANISM = "SCRAM-SHA-512"

PARTITIONS = 6
# With this many keys every partition gets records.
KEYS = 60
PER_SECOND = int(os.environ.get("PER_SECOND", "200"))
# How long a client waits for records or acknowledgements.
LIMIT_SECONDS = 120


def security():
    """What the file SECURITY says."""
    if "SECURITY" not in os.environ:
        return {"protocol": "PLAINTEXT"}
    with open(os.environ["SECURITY"], encoding="utf-8") as file:
        return json.load(file)


def librdkafka_security():
    """The same in the words of librdkafka, with PEM texts as values."""
    names = {
        "protocol": "security.protocol",
        "ca": "ssl.ca.pem",
        "certificate": "ssl.certificate.pem",
        "key": "ssl.key.pem",
        "username": "sasl.username",
        "password": "sasl.password",
    }
    settings = {names[name]: value for name, value in security().items()}
    if "sasl.username" in settings:
        settings["sasl.mechanism"] = SASL_MECHANISM
    return settings


def key_of(number):
    return f"key-{number % KEYS}"


class Counts:
    """Counts records by their numbers, and errors by their names."""

    def __init__(self):
        self.produced = 0
        self.acknowledged = set()
        self.consumed = 0
        self.distinct = set()
        self.with_headers = 0
        self.errors = collections.Counter()
        # The longest time without a record, in seconds.
        self.longest_pause = 0.0
        self._last_read = None
        self._lock = threading.Lock()

    def acknowledge(self, number):
        with self._lock:
            self.acknowledged.add(number)

    def read(self, number, has_headers=False):
        with self._lock:
            now = time.monotonic()
            self.longest_pause = max(self.longest_pause, now - (self._last_read or now))
            self._last_read = now
            self.consumed += 1
            self.distinct.add(number)
            self.with_headers += has_headers

    def error(self, name):
        with self._lock:
            self.errors[name] += 1

    def delivery_failures(self):
        """The number of records whose delivery the client gave up."""
        with self._lock:
            return sum(count for name, count in self.errors.items() if name.startswith("delivery: "))

    def lost(self):
        """The number of acknowledged records that were not read."""
        with self._lock:
            return len(self.acknowledged - self.distinct)

    def report(self, client, version, **more):
        with self._lock:
            return {
                "client": client,
                "version": version,
                "produced": self.produced,
                "acknowledged": len(self.acknowledged),
                "consumed": self.consumed,
                "distinct": len(self.distinct),
                "duplicates": self.consumed - len(self.distinct),
                "lost": len(self.acknowledged - self.distinct),
                "errors": dict(self.errors),
                **more,
            }

    def lasting_report(self, client, version):
        """The report of a client that ran until it was told to stop."""
        return self.report(client, version, longestPauseMs=round(self.longest_pause * 1000))


def say(report):
    print(json.dumps(report), flush=True)


def end_of_input():
    """An event that is set when standard input ends."""
    ended = threading.Event()

    def wait():
        while sys.stdin.buffer.read(1):
            pass
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    return ended


def until(condition, pause=0.05):
    """Looks until the condition holds, with a pause between two looks. Returns False at the limit."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def paced(stop, send):
    """Calls send(number) with 0, 1, 2, ... at PER_SECOND until stop is set."""
    began = time.monotonic()
    number = 0
    while not stop.is_set():
        while number < (time.monotonic() - began) * PER_SECOND:
            send(number)
            number += 1
        stop.wait(0.02)


def tell_when_flowing(counts):
    """Prints a line as soon as a record has been read."""

    def wait():
        if until(lambda: counts.distinct):
            say({"flowing": True})

    threading.Thread(target=wait, daemon=True).start()


def main(once, during):
    if sys.argv[1:] == ["--during"]:
        say(during())
    elif sys.argv[1:] == []:
        say(once())
    else:
        sys.exit(f"{sys.argv[0]}: the only argument is --during; got {' '.join(sys.argv[1:])}")
