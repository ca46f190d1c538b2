#!/bin/bash
# Finds out whether topics can be given their shapes, before any is changed.
#
# Inputs: TOPICS ("name partitions replication-factor" a line), OTHERS (names of topics that are
#   known besides), BOOTSTRAP. Comes after kafka.sh.
# Idempotent: asks only.

METADATA_SECONDS=60

# shapes: "name partitions replication-factor" of every topic that is there.
shapes() {
  awk '
    /^ *topic / { if (topic != "") print topic, count, factor
      topic = $2; gsub(/"/, "", topic); count = $4; factor = 0 }
    /^ *partition 0, / {
      replicas = $0; sub(/.*replicas: /, "", replicas); sub(/, isrs:.*/, "", replicas)
      factor = split(replicas, ids, ",") }
    END { if (topic != "") print topic, count, factor }' <<<"$METADATA"
}

answered() {
  METADATA=$(metadata "$BOOTSTRAP") && return
  # shellcheck disable=SC2034 # wait_until shows it.
  SEEN="no answer from $BOOTSTRAP: $(tail -n 1 <<<"$METADATA")"
  return 1
}

# check_topic NAME PARTITIONS FACTOR, and what it has: says what cannot be done.
check_topic() {
  if (($2 < $4)); then
    say "topic \"$1\": partitions must be $4 or more, as many as it has; got $2. Partitions only grow: a message is assigned to one by its key, and the messages of two cannot be merged in order. Set it to $4, or make another topic and move to that."
    return 1
  fi
  if (($3 != $5)); then
    say "topic \"$1\": replicationFactor must be $5, as it has; got $3. Move its replicas first, with /usr/local/kafka/bin/kafka-reassign-partitions.sh on a broker; then set it to $3."
    return 1
  fi
}

main() {
  local name partitions factor has_partitions has_factor sound=true
  wait_until "$METADATA_SECONDS" "topics not known" "journalctl -u kafka-server" answered
  while read -r name has_partitions has_factor; do
    read -r _ partitions factor < <(awk -v name="$name" '$1 == name' <<<"$TOPICS") || true
    if [[ -n $partitions ]]; then
      check_topic "$name" "$partitions" "$factor" "$has_partitions" "$has_factor" ||
        sound=false
    elif [[ $name != __* && " $OTHERS " != *" $name "* ]]; then
      say "topic \"$name\" is not in kafkalab:topics; it is left as it is"
    fi
  done < <(shapes)
  [[ $sound == true ]] || fail "no topic was changed, for what is said above"
}

main </dev/null
