#!/bin/bash
# Waits until a Kafka cluster is whole: every broker registered, every replica in sync, and every
# broker of the same mind about it. Before that, moves partitions if the number of brokers has changed.
#
# Inputs: SERVERS (host:port of every broker) and those of kafka-brokers.sh. Comes after kafka.sh and
#   kafka-brokers.sh.
# Idempotent: where all partitions may stay it asks only.

READY_SECONDS=300
# A second one is for topics that somebody has made meanwhile.
MAX_MOVES=3

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

main() {
  local moves count=0
  IDS=$(tr ' ' '\n' <<<"$RACKS" | cut -d= -f1 | paste -sd' ')
  only_run
  finish_move
  await_whole
  check_factors "$PARTITIONS" "$(wc -w <<<"$IDS")"
  while moves=$(plan_moves "$PARTITIONS") && [[ -n $moves ]]; do
    ((++count <= MAX_MOVES)) ||
      fail "partitions still to be moved after $MAX_MOVES moves; last saw $(head -n 1 <<<"$moves"). Make no topics meanwhile, and run up again"
    start_move "$moves"
    finish_move
    await_whole
  done
  say "Kafka: $SEEN"
}

main </dev/null
