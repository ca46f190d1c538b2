#!/bin/bash
# Runs Kafka's own performance tests one after another: on a broker's host, or next to brokers that are plain
# processes.
#
# Inputs: BOOTSTRAP, BROKER_COUNT, PARTITIONS, WARM_UP (records), CASES: words SIZE:ACKS:PRODUCERS:RECORDS.
#   For each case it prints a line "case SIZE:ACKS:PRODUCERS", then the last line of each producer and of the
#   consumer.
# Idempotence: creates new topics, and deletes them at the end.
set -euo pipefail
bin=/usr/local/kafka/bin

brokers() {
  kcat -L -m 1 -X reconnect.backoff.ms=20 -X reconnect.backoff.max.ms=20 -b "$BOOTSTRAP" 2>&1 |
    grep -c '^  broker ' || true
}

until [ "$(brokers)" = "$BROKER_COUNT" ]; do
  if ((SECONDS > 120)); then
    echo "not all of $BOOTSTRAP are there after 120 s; last saw $(kcat -L -m 1 -b "$BOOTSTRAP" 2>&1)" >&2
    exit 1
  fi
  sleep 0.1
done

topic() { # NAME
  "$bin/kafka-topics.sh" --bootstrap-server "$BOOTSTRAP" --create --topic "$1" \
    --partitions "$PARTITIONS" --replication-factor 3 >/dev/null
}

produce() { # TOPIC SIZE ACKS PRODUCERS RECORDS
  local producer jobs=()
  for ((producer = 0; producer < $4; producer++)); do
    "$bin/kafka-producer-perf-test.sh" --topic "$1" --record-size "$2" --num-records $(($5 / $4)) \
      --throughput -1 --producer-props "bootstrap.servers=$BOOTSTRAP" "acks=$3" | tail -n 1 &
    jobs+=($!)
  done
  for producer in "${jobs[@]}"; do
    wait "$producer"
  done
}

consume() { # TOPIC RECORDS
  "$bin/kafka-consumer-perf-test.sh" --bootstrap-server "$BOOTSTRAP" --topic "$1" --messages "$2" \
    --timeout 60000 --hide-header 2>&1 | tail -n 1
}

# Warm up first, so that the JVM's compilation is not part of the measurement.
topic kafkalab-bench-warm
for acks in 1 all; do
  produce kafkalab-bench-warm 100 "$acks" 1 "$WARM_UP" >&2
done
consume kafkalab-bench-warm "$WARM_UP" >&2

for case in $CASES; do
  IFS=: read -r size acks producers records <<<"$case"
  name=kafkalab-bench-$size-$acks-$producers
  topic "$name"
  sync # so that earlier data is not written during the measurement
  echo "case $size:$acks:$producers"
  produce "$name" "$size" "$acks" "$producers" "$records"
  consume "$name" "$((records / producers * producers))"
done
"$bin/kafka-topics.sh" --bootstrap-server "$BOOTSTRAP" --delete --topic 'kafkalab-bench-.*' >/dev/null
