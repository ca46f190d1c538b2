"""Produces and consumes in a group with the console clients of a Kafka release, which have no transactions.

Inputs: see common.py, and KAFKA_HOME. With --during it produces with Kafka's VerifiableProducer, which prints
each acknowledgement, and consumes until standard input ends.
"""

import glob
import json
import os
import re

import common
from common import BOOTSTRAP, GROUP, KEYS, LIMIT_SECONDS, PARTITIONS, TOPIC, Counts, key_of
from tools import SettingsFolder, Tool, run, run_once

CLIENT = "java"
KAFKA_HOME = os.environ.get("KAFKA_HOME", "/usr/local/kafka")
PRODUCER_SETTINGS = {"acks": "all", "enable.idempotence": "true"}
FOLDER = SettingsFolder()


def security():
    """The security in the words of Java's clients."""
    names = {
        "protocol": "security.protocol",
        "ca": "ssl.truststore.certificates",
        "certificate": "ssl.keystore.certificate.chain",
        "key": "ssl.keystore.key",
    }
    given = common.security()
    settings = {name: given[key] for key, name in names.items() if key in given}
    if "ca" in given:
        settings["ssl.truststore.type"] = "PEM"
    if "key" in given:
        settings["ssl.keystore.type"] = "PEM"
    if "username" in given:
        module = "org.apache.kafka.common.security.scram.ScramLoginModule"
        login = f"username={jaas(given['username'])} password={jaas(given['password'])}"
        settings["sasl.mechanism"] = common.SASL_MECHANISM
        settings["sasl.jaas.config"] = f"{module} required {login};"
    return settings


def jaas(text):
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def properties(name, **more):
    """Writes settings for one of Kafka's tools, and returns the path of the file."""
    escapes = str.maketrans({"\\": "\\\\", "\n": "\\n"})
    settings = {**security(), **more}
    return FOLDER.write(name, "".join(f"{key}={str(value).translate(escapes)}\n" for key, value in settings.items()))


CONFIG = properties("client.properties")


def tool(name, *arguments, config="--command-config"):
    return [f"{KAFKA_HOME}/bin/{name}.sh", "--bootstrap-server", BOOTSTRAP, config, CONFIG, *arguments]


def producer(*arguments):
    return tool("kafka-console-producer", "--topic", TOPIC, *arguments, config="--producer.config")


def consumer(*arguments):
    return tool("kafka-console-consumer", "--topic", TOPIC, "--group", GROUP, *arguments, config="--consumer.config")


def version():
    (jar,) = glob.glob(f"{KAFKA_HOME}/libs/kafka-clients-*.jar")
    return re.search(r"kafka-clients-(.*)\.jar", jar)[1]


def error_in(counts, levels="ERROR|FATAL"):
    """Counts lines of the log by Kafka's error code, or by their class and first words."""
    pattern = re.compile(rf"\[[^\]]*\] (?:{levels}) (?:\[[^\]]*\] )?(.*?)(?: \(([\w.$]+)\))?$")

    def take(line):
        logged = pattern.match(line)
        if logged is None:
            return
        code = re.search(r"\b[A-Z]{3,}(?:_[A-Z]+)+\b", logged[1])
        words = re.match(r"[A-Za-z' ]*", logged[1])[0].strip()
        counts.error(code[0] if code else f"{(logged[2] or '').split('.')[-1]}: {words}")

    return take


def create_topic(counts):
    create = ["--create", "--topic", TOPIC, "--partitions", str(PARTITIONS)]
    run(counts, tool("kafka-topics", *create), error=error_in(counts))


def headers_of(number):
    return f"number:{number},client:{CLIENT}"


def produce(counts, numbers):
    options = [f"--producer-property={name}={value}" for name, value in PRODUCER_SETTINGS.items()]
    options += ["--property", "parse.key=true", "--property", "parse.headers=true"]
    lines = "".join(f"{headers_of(number)}\t{key_of(number)}\t{number}\n" for number in numbers)
    before = counts.errors.total()
    run(counts, producer(*options), lines, error=error_in(counts))
    counts.produced += len(numbers)
    if counts.errors.total() == before:
        # The producer waits until every record is acknowledged, and logs each one that is not.
        for number in numbers:
            counts.acknowledge(number)


def consume(counts, how_many):
    options = ["--from-beginning", "--max-messages", str(how_many)]
    options += ["--timeout-ms", str(LIMIT_SECONDS * 1000)]
    options += ["--property", "print.headers=true", "--property", "print.key=true"]

    def take(line):
        headers, key, value = line.split("\t")
        number = int(value)
        counts.read(number, headers == headers_of(number) and key == key_of(number))

    run(counts, consumer(*options), line=take, error=error_in(counts))


def committed(counts):
    offsets = []

    def take(line):
        columns = line.split()
        if columns[:2] == [GROUP, TOPIC] and columns[3].isdigit():
            offsets.append(int(columns[3]))

    # By default the tool waits for 5 s, and then prints no offsets.
    options = ["--describe", "--group", GROUP, "--timeout", str(LIMIT_SECONDS * 1000)]
    run(counts, tool("kafka-consumer-groups", *options), line=take)
    return sum(offsets)


def once():
    return run_once(CLIENT, version(), produce, consume, prepare=create_topic, committed=committed)


def verifiable_producer():
    # As users set them: without these lines this tool does not try again.
    lasting = {**PRODUCER_SETTINGS, "retries": 2147483647, "delivery.timeout.ms": LIMIT_SECONDS * 1000}
    config = properties("producer.properties", **lasting)
    return [
        *[f"{KAFKA_HOME}/bin/kafka-run-class.sh", "org.apache.kafka.tools.VerifiableProducer"],
        *["--bootstrap-server", BOOTSTRAP, "--topic", TOPIC, "--producer.config", config],
        *["--throughput", str(common.PER_SECOND), "--repeating-keys", str(KEYS)],
    ]


def during():
    counts = Counts()
    create_topic(counts)
    stop = common.end_of_input()

    def event(line):
        about = json.loads(line)
        if about["name"] == "producer_send_success":
            counts.acknowledge(int(about["value"]))
        elif about["name"] == "producer_send_error":
            counts.error("delivery: " + about["exception"].split(".")[-1])

    sending = Tool(verifiable_producer(), line=event, error=error_in(counts, "WARN|ERROR|FATAL"))
    reading = Tool(
        consumer("--from-beginning"),
        line=lambda line: counts.read(int(line)),
        error=error_in(counts, "WARN|ERROR|FATAL"),
    )
    common.tell_when_flowing(counts)
    stop.wait()
    sending.stop()
    counts.produced = len(counts.acknowledged) + counts.delivery_failures()
    common.until(lambda: counts.lost() == 0)
    reading.stop()
    return counts.lasting_report(CLIENT, version())


common.main(once, during)
