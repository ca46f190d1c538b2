#!/bin/bash
# Sends the bench's requests to the brokers. Runs on a broker's host.
#
#   message.sh whole     waits until all brokers are registered
#   message.sh send      sends a unique message, and reads it through another broker
#
# Inputs: /bench/message: BROKERS, BROKER_COUNT, TOPIC, REPLICATION_FACTOR.
# Idempotence: creates the topic if it does not exist. Each run adds one message.
set -euo pipefail
# shellcheck source=/dev/null
. /bench/message

# By default kcat's retry interval increases, so this loop retries itself.
brokers() {
  kcat -L -m 1 -X reconnect.backoff.ms=20 -X reconnect.backoff.max.ms=20 -b "$BROKERS" 2>/dev/null | grep -c '^  broker ' || true
}

case $1 in
  whole)
    until [ "$(brokers)" = "$BROKER_COUNT" ]; do
      sleep 0.05
    done
    ;;
  send)
    /usr/local/kafka/bin/kafka-topics.sh --bootstrap-server "$BROKERS" --create --if-not-exists \
      --topic "$TOPIC" --partitions 1 --replication-factor "$REPLICATION_FACTOR"
    text="bench-$RANDOM$RANDOM"
    printf '%s' "$text" | kcat -P -b "${BROKERS%%,*}" -t "$TOPIC" -p 0 -X acks=all
    seen=$(kcat -C -q -b "${BROKERS##*,}" -t "$TOPIC" -p 0 -o -1 -c 1 -e)
    [ "$seen" = "$text" ]
    ;;
esac
