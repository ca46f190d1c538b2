#!/bin/bash
# Gives a topic its shape: makes it, changes its configuration, adds partitions; or deletes it.
#
# Inputs: TOPIC, PARTITIONS, REPLICATION_FACTOR, CONFIG ("name=value" a line), DELETED (true or
#   false), and those of kafka-brokers.sh, after which it comes. What cannot be done topics-check.sh
#   has found before.
# Idempotent: a topic that has this shape is left alone. Messages go only with a topic that is to be
#   deleted.

TOPIC_SECONDS=60

# partitions: leaves in COUNT how many the topic has; 0 if there is no such topic.
partitions() {
  local answer
  if answer=$(timeout 15 kcat -L -m 8 -b "$BOOTSTRAP" -t "$TOPIC" 2>&1); then
    COUNT=$(sed -n 's/^ *topic ".*" with \([0-9]*\) partitions.*/\1/p' <<<"$answer")
  else
    COUNT=""
  fi
  SEEN=${COUNT:+$COUNT partitions}
  SEEN=${SEEN:-"no answer from $BOOTSTRAP: $(tail -n 1 <<<"$answer")"}
  [[ -n $COUNT ]]
}

partitions_are() {
  partitions && ((COUNT == $1))
}

# tool NAME ARGUMENTS...: one of Kafka's own.
tool() {
  "/usr/local/kafka/bin/$1" --bootstrap-server "$BOOTSTRAP" "${@:2}" ||
    fail "topic \"$TOPIC\": $1 has failed, for the reason above; correct kafkalab:topics, or see journalctl -u kafka-server on each broker"
}

create() {
  local line arguments=() replicas
  while IFS= read -r line; do
    [[ -z $line ]] || arguments+=(--config "$line")
  done <<<"$CONFIG"
  say "creating topic $TOPIC"
  replicas=$(placed "$TOPIC" "$PARTITIONS" "$REPLICATION_FACTOR")
  # shellcheck disable=SC2086 # An option and its value.
  tool kafka-topics.sh --create --if-not-exists --topic "$TOPIC" $replicas "${arguments[@]}" >&2
}

# own_config: what is set for the topic, but for what a reassignment that is under way has set.
own_config() {
  tool kafka-configs.sh --entity-type topics --entity-name "$TOPIC" --describe |
    sed -n '/\.throttled\.replicas=/d
      s/^ *\([a-z.]*\)=\(.*\) sensitive=[a-z]* synonyms=.*/\1=\2/p'
}

# only_in ONE OTHER: the lines of the first text that the second one lacks.
only_in() {
  comm -23 <(sort <<<"$1") <(sort <<<"$2") | sed '/^$/d'
}

configure() {
  local own added removed arguments=()
  own=$(own_config)
  added=$(only_in "$CONFIG" "$own")
  removed=$(only_in "$(cut -d= -f1 <<<"$own")" "$(cut -d= -f1 <<<"$CONFIG")" | paste -sd,)
  [[ -z $added ]] || arguments+=(--add-config-file /dev/stdin)
  [[ -z $removed ]] || arguments+=(--delete-config "$removed")
  ((${#arguments[@]} > 0)) || return 0
  say "changing the configuration of topic $TOPIC: ${added//$'\n'/, }${removed:+ without $removed}"
  tool kafka-configs.sh --entity-type topics --entity-name "$TOPIC" --alter "${arguments[@]}" \
    <<<"$added" >&2
}

main() {
  local logs="journalctl -u kafka-server on each broker" wanted=$PARTITIONS
  wait_until "$TOPIC_SECONDS" "topic $TOPIC not known" "$logs" partitions
  if [[ $DELETED == true ]]; then
    wanted=0
    ((COUNT == 0)) || tool kafka-topics.sh --delete --if-exists --topic "$TOPIC" >&2
  elif ((COUNT == 0)); then
    create
  else
    # First: a value that Kafka refuses changes nothing.
    configure
    ((COUNT >= PARTITIONS)) ||
      tool kafka-topics.sh --alter --topic "$TOPIC" --partitions "$PARTITIONS" >&2
  fi
  wait_until "$TOPIC_SECONDS" "topic $TOPIC not of $wanted partitions" "$logs" \
    partitions_are "$wanted"
}

main </dev/null
