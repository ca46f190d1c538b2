#!/bin/bash
# Sends one message, never sent before, in through one broker and takes it out through another.
#
# Inputs: TOPIC, REPLICATION_FACTOR; PRODUCE_THROUGH and CONSUME_THROUGH (host:port). Comes after
#   kafka.sh and kafka-brokers.sh. Prints what it saw as JSON.
# Idempotent: makes the topic only if it is not there; each run adds one message to it.

TOPIC_SECONDS=60
MESSAGE_SECONDS=60

# partition_line: what the consuming broker says of the topic's first partition.
partition_line() {
  ANSWER=$(timeout 15 kcat -L -m 8 -b "$CONSUME_THROUGH" -t "$TOPIC" 2>&1) || true
  PARTITION=$(sed -n 's/^ *\(partition 0, leader .*\)/\1/p' <<<"$ANSWER")
  SEEN=${PARTITION:-"no partition 0"}
  [[ $PARTITION =~ ^partition\ 0,\ leader\ ([0-9]+),\ replicas:\ ([0-9,]+),\ isrs:\ ([0-9,]+) ]] ||
    return 1
  LEADER=${BASH_REMATCH[1]} REPLICAS=${BASH_REMATCH[2]} IN_SYNC=${BASH_REMATCH[3]}
}

all_in_sync() {
  partition_line && [[ ${#IN_SYNC} == "${#REPLICAS}" ]]
}

create_topic() {
  partition_line && return
  say "creating topic $TOPIC"
  # shellcheck disable=SC2046 # Options and their values.
  /usr/local/kafka/bin/kafka-topics.sh --bootstrap-server "$PRODUCE_THROUGH" --create \
    --if-not-exists --topic "$TOPIC" $(placed "$TOPIC" 1 "$REPLICATION_FACTOR" "$ANSWER") >&2
}

# produced MESSAGE: sends it, acknowledged by all in-sync replicas, and notes its OFFSET.
produced() {
  local report
  report=$(printf '%s' "$1" | timeout 30 kcat -P -vvv -b "$PRODUCE_THROUGH" -t "$TOPIC" -p 0 \
    -X acks=all -X message.timeout.ms=20000 2>&1) || true
  OFFSET=$(sed -n 's/.*delivered to partition 0 (offset \([0-9]*\)).*/\1/p' <<<"$report")
  SEEN="the producer's report \"$(tail -n 1 <<<"$report")\""
  [[ -n $OFFSET ]]
}

# consumed MESSAGE: whether just this message is at OFFSET.
consumed() {
  local message
  message=$(timeout 15 kcat -C -q -b "$CONSUME_THROUGH" -t "$TOPIC" -p 0 -o "$OFFSET" -c 1 -e \
    2>&1) || true
  # shellcheck disable=SC2034 # wait_until shows it.
  SEEN="\"$message\" at offset $OFFSET"
  [[ $message == "$1" ]]
}

main() {
  local message logs="journalctl -u kafka-server on each broker"
  create_topic
  wait_until "$TOPIC_SECONDS" "replicas of $TOPIC not in sync" "$logs" all_in_sync
  message="smoke-$(date +%s%N)-$RANDOM$RANDOM"
  wait_until "$MESSAGE_SECONDS" "message $message not acknowledged" "$logs" produced "$message"
  wait_until "$MESSAGE_SECONDS" "message $message not read through $CONSUME_THROUGH" "$logs" \
    consumed "$message"
  printf '{"message":"%s","partition":0,"offset":%s,"leader":%s,"inSyncReplicas":[%s]}\n' \
    "$message" "$OFFSET" "$LEADER" "$IN_SYNC"
}

main </dev/null
