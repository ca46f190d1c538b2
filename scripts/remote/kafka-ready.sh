#!/bin/bash
# Waits until a Kafka cluster is whole: every broker registered, every replica in sync, and every
# broker of the same mind about it.
#
# Inputs: BOOTSTRAP (host:port of every broker), BROKER_IDS. Comes after kafka.sh.
# Idempotent: asks only.

READY_SECONDS=300

# whole: each broker is asked. One that is gone stays registered for as long as its session with
# ZooKeeper lasts; one that has just come answers before it knows the topics and their leaders.
whole() {
  local server first=""
  for server in ${BOOTSTRAP//,/ }; do
    # shellcheck disable=SC2086 # One word an id.
    kafka_whole "$server" $BROKER_IDS || {
      SEEN="$server: $SEEN"
      return 1
    }
    if [[ $server == "${BOOTSTRAP%%,*}" ]]; then
      first=$PARTITIONS
    elif [[ $PARTITIONS != "$first" ]]; then
      SEEN="leaders and replicas that $server and ${BOOTSTRAP%%,*} know differ"
      return 1
    fi
  done
}

main() {
  wait_until "$READY_SECONDS" "Kafka cluster not whole" \
    "journalctl -u kafka-server on each broker" whole
  say "Kafka: $SEEN"
}

main </dev/null
