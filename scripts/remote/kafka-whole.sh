#!/bin/bash
# Waits until a Kafka cluster is whole: every broker registered, every replica in sync, and every
# broker of the same mind about it. Comes after kafka.sh.
#
# Inputs: SERVERS (host:port of every broker), IDS (of every broker).
# Idempotent: asks only.

READY_SECONDS=300

# whole: each broker is asked. One that is gone stays registered for as long as its session with
# ZooKeeper lasts; one that has just come answers before it knows the topics and their leaders.
whole() {
  local server first=""
  for server in $SERVERS; do
    # shellcheck disable=SC2086 # One word an id.
    REST_MAY_LACK=true kafka_whole "$server" $IDS || {
      SEEN="$server: $SEEN"
      return 1
    }
    if [[ $server == "${SERVERS%% *}" ]]; then
      first=$PARTITIONS
    elif [[ $PARTITIONS != "$first" ]]; then
      SEEN="leaders and replicas that $server and ${SERVERS%% *} know differ"
      return 1
    fi
  done
}

await_whole() {
  wait_until "$READY_SECONDS" "Kafka cluster not whole" \
    "journalctl -u kafka-server on each broker" whole
}
