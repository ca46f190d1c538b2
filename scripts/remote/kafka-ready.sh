#!/bin/bash
# Waits until a Kafka cluster is whole, with its partitions where they are to be: moves them if the
# number of brokers has changed.
#
# Inputs: those of kafka-brokers.sh and kafka-whole.sh, after which it comes, but IDS.
# Idempotent: where all partitions may stay it asks only.

# A second one is for topics that somebody has made meanwhile.
MAX_MOVES=3

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
