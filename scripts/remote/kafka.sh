#!/bin/bash
# What there is to know about a Kafka cluster from one of its hosts. Comes after common.sh.
#
# Inputs: for the functions of configure.sh NODE_ID (broker id), DATA and ZOOKEEPER (connect
#   string); HOST.
# Idempotent: asks only, and changes nothing. Metadata comes through kcat, since a Java tool takes
#   longer to start than all of this.

# metadata BROKERS: what the first broker that answers says, as kcat prints it. One that is about to
# open its port is asked again soon: kcat would wait longer each time.
metadata() {
  timeout 15 kcat -L -m 8 -b "$1" -X reconnect.backoff.ms=50 -X reconnect.backoff.max.ms=100 2>&1
}

# kafka_whole BROKERS [ID...]: whether every one of these brokers is registered, and every
# partition has all its replicas in sync.
kafka_whole() {
  local answer
  answer=$(metadata "$1") || {
    SEEN="no answer from $1: $(tail -n 1 <<<"$answer")"
    return 1
  }
  shift
  SEEN=$(awk -v wanted="$*" '
    /^ *broker [0-9]+ at / { registered[$2] = 1; list = list (list == "" ? "" : ",") $2 }
    /^ *topic / { topic = $2; gsub(/"/, "", topic) }
    /^ *partition [0-9]+, leader / {
      partition = $2; sub(/,.*/, "", partition)
      replicas = isrs = $0
      sub(/.*replicas: /, "", replicas); sub(/, isrs:.*/, "", replicas)
      sub(/.*isrs: /, "", isrs); sub(/, Broker.*/, "", isrs)
      if (split(replicas, a, ",") > split(isrs, b, ",") || /leader -1/)
        lacking = lacking (lacking == "" ? "" : ",") topic "-" partition
    }
    END {
      count = split(wanted, ids, " ")
      for (i = 1; i <= count; i++)
        if (!(ids[i] in registered)) missing = missing (missing == "" ? "" : ",") ids[i]
      if (missing == "" && lacking == "" && list != "") printf "whole: "
      printf "brokers %s", list == "" ? "none" : list
      if (missing != "") printf "; missing %s", missing
      if (lacking != "") printf "; under-replicated %s", lacking
    }' <<<"$answer")
  [[ $SEEN == whole:* ]]
}

service_serves() {
  port_open 127.0.0.1 9092
}

cluster_whole() {
  kafka_whole "$HOST:9092"
}

service_back() {
  if ! service_serves; then
    SEEN="port 9092 closed, unit $(systemctl is-active kafka-server || true), and the log $(
      journalctl -q -u kafka-server -n 15 -o cat)"
    return 1
  fi
  kafka_whole "$HOST:9092" "$NODE_ID"
}

# check_identity: the data must be this broker's, and of this cluster.
check_identity() {
  local file=$DATA/meta.properties id cluster own
  [[ -s $file ]] || return 0
  id=$(sed -n 's/^broker\.id=//p' "$file")
  [[ $id == "$NODE_ID" ]] ||
    fail "$file: broker.id must be $NODE_ID; got \"$id\". Either this volume is another broker's: attach the right one. Or the file is damaged: write the line broker.id=$NODE_ID into it."
  own=$(sed -n 's/^cluster\.id=//p' "$file")
  # ZooKeeper knows the id; while it is down the broker itself asks, and refuses, when it starts.
  cluster=$(timeout 30 /usr/local/kafka/bin/zookeeper-shell.sh "$ZOOKEEPER" get /cluster/id \
    2>/dev/null | sed -n 's/.*"id":"\([^"]*\)".*/\1/p') || cluster=""
  [[ -z $cluster || $own == "$cluster" ]] ||
    fail "$file: cluster.id must be $cluster; got \"$own\". Either this volume is another cluster's: attach the right one. Or the file is damaged: write the line cluster.id=$cluster into it."
}
