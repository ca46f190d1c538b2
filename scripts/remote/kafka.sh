#!/bin/bash
# What there is to know about a Kafka cluster from one of its hosts. Comes after common.sh.
#
# Inputs: for the functions of configure.sh NODE_ID (broker id), DATA and ZOOKEEPER (connect
#   string), CONFIG, CHECK (keys that a user has set), LIVE_KEYS, DIRECTORY, LINK, SERVICE and
#   MAY_WAIT; HOST; for those of install.sh BROKERS (how many there are to be; empty on all nodes but
#   the last).
# Idempotent: changes nothing but what a running broker is told to be (apply_live) and the note of
#   its protocol (note_config). Metadata comes through kcat, since a Java tool takes longer to start
#   than all of this.

# metadata BROKERS: what the first broker that answers says, as kcat prints it. One that is about to
# open its port is asked again soon: kcat would wait longer each time.
metadata() {
  timeout 15 kcat -L -m 8 -b "$1" -X reconnect.backoff.ms=50 -X reconnect.backoff.max.ms=100 2>&1
}

# partitions_of ANSWER: "TOPIC PARTITION LEADER REPLICAS IN-SYNC" of every partition, sorted.
partitions_of() {
  awk '
    /^ *topic / { topic = $2; gsub(/"/, "", topic) }
    sub(/^ *partition /, "") {
      gsub(/, (leader|replicas:|isrs:) /, " "); sub(/, Broker.*/, "")
      print topic, $0
    }' <<<"$1" | sort
}

# kafka_whole BROKERS [ID...]: whether every one of these brokers is registered, and every
# partition has all its replicas in sync; but with REST_MAY_LACK=true those of other brokers that are
# not registered do not count. It leaves the partitions in PARTITIONS, and in REGISTERED the ids of
# the brokers that are, with commas.
kafka_whole() {
  local answer
  answer=$(metadata "$1") || {
    SEEN="no answer from $1: $(tail -n 1 <<<"$answer")"
    return 1
  }
  shift
  PARTITIONS=$(partitions_of "$answer")
  REGISTERED=$(sed -n 's/^ *broker \([0-9]*\) at .*/\1/p' <<<"$answer" | paste -sd,)
  SEEN=$(awk -v wanted="$*" -v list="$REGISTERED" -v rest="${REST_MAY_LACK:-false}" '
    BEGIN {
      count = split(wanted, ids, " ")
      for (i = 1; i <= count; i++) asked[ids[i]] = 1
      for (i = split(list, up, ","); i > 0; i--) registered[up[i]] = 1
    }
    NF {
      lack = $3 == -1
      for (i = split($4, replicas, ","); i > 0; i--)
        if (!index("," $5 ",", "," replicas[i] ",") &&
            (rest != "true" || replicas[i] in registered || replicas[i] in asked)) lack = 1
      if (lack) lacking = lacking (lacking == "" ? "" : ",") $1 "-" $2
    }
    END {
      for (i = 1; i <= count; i++)
        if (!(ids[i] in registered)) missing = missing (missing == "" ? "" : ",") ids[i]
      if (missing == "" && lacking == "" && list != "") printf "whole: "
      printf "brokers %s", list == "" ? "none" : list
      if (missing != "") printf "; missing %s", missing
      if (lacking != "") printf "; under-replicated %s", lacking
    }' <<<"$PARTITIONS")
  [[ $SEEN == whole:* ]]
}

# check_size: the number of brokers must be enough for the replicas of every topic. Only the node that
# the roll begins with is told the number; whether this one serves is not for this to say.
check_size() {
  local answer
  # kcat would wait for a broker that does not listen.
  [[ -n $BROKERS ]] && port_open "$HOST" 9092 && answer=$(metadata "$HOST:9092") || return 0
  check_factors "$(partitions_of "$answer")" "$BROKERS"
}

# check_factors PARTITIONS BROKERS: refuses fewer brokers than a partition has replicas.
check_factors() {
  local topics most
  topics=$(awk -v brokers="$2" '
    { count = split($4, ids, ","); if (count > brokers && count > most[$1]) most[$1] = count }
    END { for (topic in most) print topic " (" most[topic] ")" }' <<<"$1" | sort)
  [[ -n $topics ]] || return 0
  most=$(grep -o '([0-9]*)$' <<<"$topics" | tr -d '()' | sort -n | tail -n 1)
  fail "setting \"kafkalab:brokers\": it must be $most or more, as many as these topics have replicas: ${topics//$'\n'/, }; got $2. Nothing was moved and no broker restarted. Set it to $most; or delete these topics, or give them fewer replicas with /usr/local/kafka/bin/kafka-reassign-partitions.sh on a broker, and run up again."
}

service_serves() {
  port_open 127.0.0.1 9092
}

# cluster_whole: with every ZooKeeper node that a broker is about to be told of.
cluster_whole() {
  local node
  for node in ${ZOOKEEPER//,/ }; do
    port_open "${node%:*}" "${node#*:}" || {
      SEEN="ZooKeeper $node closed"
      return 1
    }
  done
  kafka_whole "$HOST:9092"
}

# leads: whether this broker is the controller.
leads() {
  local answer
  answer=$(metadata "$HOST:9092") || return 1
  grep -q "^ *broker $NODE_ID at .* (controller)$" <<<"$answer"
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

# check_config: the release that is to run judges the values, before a file is written.
check_config() {
  local report
  [[ -n $CHECK ]] || return 0
  report=$("/usr/local/$DIRECTORY/bin/kafka-run-class.sh" kafka.tools.StorageTool info \
    -c <(printf '%s\n' "$CONFIG") 2>&1) && return
  # What it has to say of the data comes after it has read the settings.
  [[ $report != *"Found "* ]] || return 0
  fail "setting \"kafkalab:brokerConfig\": it must hold values that $DIRECTORY takes; got $(
    sed -n 's/^Exception in thread "main" [^:]*: //p' <<<"$report" | head -n 1 | grep . ||
      tail -n 1 <<<"$report"). Nothing was changed here. Correct it and run up again."
}

PROTOCOL_KEY=inter.broker.protocol.version
# On the data volume, since it is the data that an older release may not read.
PROTOCOL_NOTE=/data/kafka-protocol
ONE_RELEASE_SECONDS=60

# wanted_protocol: the one that CONFIG names.
wanted_protocol() {
  sed -n "s/^$PROTOCOL_KEY=//p" <<<"$CONFIG"
}

# present_protocol: what this broker, or its data, was last started with; nothing if it is new.
present_protocol() {
  local release
  if [[ -s $PROTOCOL_NOTE ]]; then
    cat "$PROTOCOL_NOTE"
  elif [[ -e /etc/kafkalab/$SERVICE.content ]]; then
    # It was configured without the key, so it speaks what came with its release.
    release=$(readlink "$LINK")
    release=${release##*-}
    echo "${release%.*}"
  fi
}

# older VERSION OTHER
older() {
  [[ $1 != "$2" && $(printf '%s\n' "$1" "$2" | sort -V | head -n 1) == "$1" ]]
}

# check_release: refuses one that the data may be too new for.
check_release() {
  local present
  present=$(present_protocol)
  [[ -n $present ]] && older "$(wanted_protocol)" "$present" || return 0
  fail "setting \"kafkalab:kafkaVersion\": it must be $present or later, the $PROTOCOL_KEY that is in force here; got ${DIRECTORY##*-}, which may not read what brokers have written since. Nothing was changed here. Set it to a release of $present or a later one; an older one needs a new lab."
}

# hold_back: brokers of an older release do not know a newer protocol. So a broker keeps its own in
# the first round, in which all get the release, and takes the newer one in the second.
hold_back() {
  local present wanted
  check_release
  present=$(present_protocol)
  wanted=$(wanted_protocol)
  [[ -n $present && $present != "$wanted" ]] || return 0
  if [[ ${MAY_WAIT-true} == true ]]; then
    CONFIG=${CONFIG/"$PROTOCOL_KEY=$wanted"/"$PROTOCOL_KEY=$present"}
    # Nor is the release put off: the second round must find it on all brokers.
    MAY_WAIT=false
  elif service_serves; then
    wait_until "$ONE_RELEASE_SECONDS" "$PROTOCOL_KEY not raised to $wanted: brokers not of one release" \
      "journalctl -u $SERVICE on each broker" one_release
    say "raising $PROTOCOL_KEY from $present to $wanted"
  fi
}

# one_release: whether all brokers answer the same requests as this one, as those of a release do.
one_release() {
  local report
  report=$("$LINK/bin/kafka-broker-api-versions.sh" --bootstrap-server "$HOST:9092" 2>&1) || {
    SEEN="no answer: $(tail -n 1 <<<"$report")"
    return 1
  }
  SEEN=$(awk -v own="$NODE_ID" '
    / \(id: [0-9]+ rack: .*-> / { match($0, /id: [0-9]+/); id = substr($0, RSTART + 4, RLENGTH - 4) }
    /^\t/ { requests[id] = requests[id] $0 }
    /ERROR/ { requests[id] = "none" }
    END {
      if (!(own in requests)) other = own
      for (id in requests)
        if (other != own && requests[id] != requests[own]) other = other (other == "" ? "" : ",") id
      if (other != "") print "other requests from broker " other
    }' <<<"$report")
  [[ -z $SEEN ]]
}

# note_config: what present_protocol reads. Before a broker is started with it, so never too late.
note_config() {
  put "$PROTOCOL_NOTE" "$(wanted_protocol)"
}

# broker_configs OPTION...: asks or tells this broker.
broker_configs() {
  "$LINK/bin/kafka-configs.sh" --bootstrap-server "$HOST:9092" --entity-type brokers \
    --entity-name "$NODE_ID" "$@"
}

# live_changes DESCRIPTION KEY...: what the running broker must be told, so that these keys are as
# in CONFIG: "+ KEY=VALUE", "- KEY", or "? KEY" for one that has no value to go back to.
live_changes() {
  local description=$1
  shift
  awk -v keys="$*" '
    BEGIN {
      count = split(keys, list, " ")
      for (i = 1; i <= count; i++) asked[list[i]] = 1
    }
    FNR == NR {
      at = index($0, "=")
      if (at && !/^#/) wanted[substr($0, 1, at - 1)] = substr($0, at + 1)
      next
    }
    match($0, / synonyms=\{.*\}$/) {
      key = substr($1, 1, index($1, "=") - 1)
      if (!(key in asked)) next
      split("", of)
      count = split(substr($0, RSTART + 11, RLENGTH - 12), synonyms, ", ")
      for (i = 1; i <= count; i++)
        if (at = index(synonyms[i], ":" key "="))
          of[substr(synonyms[i], 1, at - 1)] = substr(synonyms[i], at + length(key) + 2)
      # What the broker falls back to: the file it was started with, or the default.
      from = "STATIC_BROKER_CONFIG" in of ? "STATIC_BROKER_CONFIG" : "DEFAULT_CONFIG"
      back = "DEFAULT_CONFIG" in of
      aim = key in wanted ? wanted[key] : back ? of["DEFAULT_CONFIG"] : ""
      if (key in wanted ? from in of && of[from] == aim : !("STATIC_BROKER_CONFIG" in of)) {
        if ("DYNAMIC_BROKER_CONFIG" in of) print "- " key
      } else if (key in wanted || back) print "+ " key "=" aim
      else print "? " key
    }' <(printf '%s\n' "$CONFIG") <(printf '%s\n' "$description")
}

# apply_live KEY...: has the running broker take these keys from CONFIG. It leaves in SEEN why not.
apply_live() {
  local report changes options=() removed added
  report=$(broker_configs --describe --all 2>&1) || {
    SEEN="no answer: $(tail -n 1 <<<"$report")"
    return 1
  }
  changes=$(live_changes "$report" "$@")
  if [[ $changes == *'? '* ]]; then
    SEEN="a value cannot be taken back"
    return 1
  fi
  [[ -n $changes ]] || return 0
  removed=$(sed -n 's/^- //p' <<<"$changes" | paste -sd,)
  added=$(sed -n 's/^+ //p' <<<"$changes")
  [[ -z $removed ]] || options+=(--delete-config "$removed")
  [[ -z $added ]] || options+=(--add-config-file /dev/stdin)
  report=$(broker_configs --alter "${options[@]}" <<<"$added" 2>&1) || {
    SEEN=$(sed -n 's/^java.util.concurrent.ExecutionException: [^:]*: //p' <<<"$report")
    SEEN=${SEEN:-$(tail -n 1 <<<"$report")}
    return 1
  }
}

# settle_live KEY...: after a restart the file is right; what was told before is taken back.
settle_live() {
  local key live=()
  for key; do
    [[ " $LIVE_KEYS " != *" $key "* ]] || live+=("$key")
  done
  ((${#live[@]} == 0)) || apply_live "${live[@]}" || fail "${live[*]} not as configured: $SEEN"
}
