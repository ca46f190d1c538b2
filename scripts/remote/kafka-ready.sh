#!/bin/bash
# Waits until a Kafka cluster is whole: every broker registered, every replica in sync.
#
# Inputs: BOOTSTRAP (brokers to ask), BROKER_IDS. Comes after kafka.sh.
# Idempotent: asks only.

READY_SECONDS=300

whole() {
  # shellcheck disable=SC2086 # One word an id.
  kafka_whole "$BOOTSTRAP" $BROKER_IDS
}

main() {
  # Cheaper than a kcat that finds nobody.
  SEEN="port 9092 of $HOST closed"
  wait_until "$READY_SECONDS" "Kafka cluster not whole" \
    "journalctl -u kafka-server on each broker" whole
  say "Kafka: $SEEN"
}

main </dev/null
