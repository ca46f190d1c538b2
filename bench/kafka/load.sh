#!/bin/bash
# Runs Kafka's own performance tests one after another: on a broker's host, or next to brokers that are plain
# processes.
#
# Inputs: BIN (the directory of Kafka's tools), BOOTSTRAP, BROKER_COUNT, PARTITIONS, WARM_UP (records, 0 for none),
#   CASES: words SIZE:ACKS:PRODUCERS:RECORDS. CLIENT_FILES: a directory with client.properties for Kafka's tools
#   and kcat.conf, or empty if clients use PLAINTEXT.
#   For each case it prints a line "case SIZE:ACKS:PRODUCERS", then the last line of each producer and of the
#   consumer.
# Idempotence: creates new topics, and deletes them at the end.
set -euo pipefail
# Kafka may still be deleting the topics of an earlier load, so each load has other names.
prefix=kafkalab-bench-$EPOCHSECONDS
admin=() producer=() consumer=() # the options of each kind of tool
if [ -n "$CLIENT_FILES" ]; then
  admin=(--command-config "$CLIENT_FILES/client.properties")
  producer=(--producer.config "$CLIENT_FILES/client.properties")
  consumer=(--consumer.config "$CLIENT_FILES/client.properties")
  export KCAT_CONFIG=$CLIENT_FILES/kcat.conf
fi

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

topics() { # OPTION...
  "$BIN/kafka-topics.sh" --bootstrap-server "$BOOTSTRAP" "${admin[@]}" "$@" >/dev/null
}

topic() { # NAME
  topics --create --topic "$1" --partitions "$PARTITIONS" --replication-factor 3
}

produce() { # TOPIC SIZE ACKS PRODUCERS RECORDS
  local job jobs=()
  for ((job = 0; job < $4; job++)); do
    "$BIN/kafka-producer-perf-test.sh" --topic "$1" --record-size "$2" --num-records $(($5 / $4)) \
      --throughput -1 "${producer[@]}" --producer-props "bootstrap.servers=$BOOTSTRAP" "acks=$3" | tail -n 1 &
    jobs+=($!)
  done
  for job in "${jobs[@]}"; do
    wait "$job"
  done
}

consume() { # TOPIC RECORDS
  "$BIN/kafka-consumer-perf-test.sh" --bootstrap-server "$BOOTSTRAP" "${consumer[@]}" --topic "$1" \
    --messages "$2" --timeout 60000 --hide-header 2>&1 | tail -n 1
}

# Warm up first, so that the JVM's compilation is not part of the measurement.
if ((WARM_UP > 0)); then
  topic "$prefix-warm"
  for acks in 1 all; do
    produce "$prefix-warm" 100 "$acks" 1 "$WARM_UP" >&2
  done
  consume "$prefix-warm" "$WARM_UP" >&2
fi

for case in $CASES; do
  IFS=: read -r size acks producers records <<<"$case"
  name=$prefix-$size-$acks-$producers
  topic "$name"
  sync # so that earlier data is not written during the measurement
  echo "case $size:$acks:$producers"
  produce "$name" "$size" "$acks" "$producers" "$records"
  consume "$name" "$((records / producers * producers))"
done
topics --delete --topic "$prefix-.*"
