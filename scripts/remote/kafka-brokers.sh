#!/bin/bash
# Moves partitions when the number of brokers changes: off brokers that are to go, and onto brokers
# that have none. Comes after kafka.sh.
#
# Inputs: RACKS ("ID=RACK ..." of every broker that is to be), BOOTSTRAP, THROTTLE_MIBPS.
# Idempotent: what to do follows from where the partitions are. A move that is under way is noted
#   in MOVE and gone on with. Replicas that need not move stay where they are.

MOVE=/var/lib/kafkalab/move
# Without one more partition done. Until then nobody knows whether it is slow or stuck.
STALL_SECONDS=3600
PROGRESS_SECONDS=10

# plan_moves PARTITIONS: "TOPIC PARTITION REPLICAS" for each partition that is to have others. Kafka's
# own --generate deals all partitions anew, also those that could stay, so it moves half as much
# again or more. This replaces single replicas: each by a broker of a rack that the partition does
# not have yet, if there is one, and by the one that has the fewest of the topic, and of all.
plan_moves() {
  awk -v racks="$RACKS" '
    function holds(p, id,  i) {
      for (i = 1; i <= size[p]; i++) if (at[p, i] == id) return 1
      return 0
    }
    # How many of the other replicas are in the rack of a broker.
    function crowd(p, place, id,  i, n) {
      for (i = 1; i <= size[p]; i++) if (i != place && rack[at[p, i]] == rack[id]) n++
      return n + 0
    }
    function count(p, place, id, by) {
      at[p, place] = id
      total[id] += by
      share[topic[p], id] += by
      if (place == 1) {
        leads[id] += by
        first[topic[p], id] += by
      }
    }
    function put(p, place, id) {
      count(p, place, at[p, place], -1)
      count(p, place, id, 1)
      changed[p] = 1
    }
    function move_off(p, place,  i, id, cost, least, best) {
      for (i = 1; i <= brokers; i++) {
        id = wanted[i]
        if (holds(p, id)) continue
        cost = place == 1 ? first[topic[p], id] * 1e5 + leads[id] : share[topic[p], id] * 1e5 + total[id]
        cost += crowd(p, place, id) * 1e10
        if (best == "" || cost < least) { best = id; least = cost }
      }
      if (best != "") put(p, place, best)
    }
    # The new broker that has the fewest replicas takes one of a broker that has two more or above,
    # from the topic that is spread the least; a partition never gets two more replicas in one rack.
    function spread(  i, j, id, p, place, gain, most, name, from) {
      for (i = 1; i <= brokers; i++)
        if (wanted[i] in open && (id == "" || total[wanted[i]] < total[id])) id = wanted[i]
      if (id == "") return 0
      for (i = 1; i <= topics; i++)
        for (j = 1; j <= brokers; j++) {
          gain = share[names[i], wanted[j]] - share[names[i], id]
          if (total[wanted[j]] - total[id] < 2 || gain < 1) continue
          if ((names[i], wanted[j], id) in shut) continue
          gain = gain * 1e5 + total[wanted[j]] - total[id]
          if (gain > most) { most = gain; name = names[i]; from = wanted[j] }
        }
      if (name == "") {
        delete open[id]
        return 1
      }
      for (p = begin[name]; topic[p] == name; p++)
        for (place = 1; place <= size[p]; place++)
          if (at[p, place] == from && !holds(p, id) && crowd(p, place, id) <= crowd(p, place, from)) {
            put(p, place, id)
            return 1
          }
      shut[name, from, id] = 1
      return 1
    }
    # Of the partitions that move anyway, the first replica, which is to lead, is chosen anew.
    function lead(  p, place, from, id, gain, most, best, where) {
      for (p = 1; p <= partitions; p++) {
        if (!(p in changed)) continue
        from = at[p, 1]
        for (place = 2; place <= size[p]; place++) {
          id = at[p, place]
          if (leads[from] - leads[id] < 2) continue
          gain = (first[topic[p], from] - first[topic[p], id]) * 1e5 + leads[from] - leads[id]
          if (gain > most) { most = gain; best = p; where = place }
        }
      }
      if (best == "") return 0
      from = at[best, 1]
      id = at[best, where]
      put(best, 1, id)
      put(best, where, from)
      return 1
    }
    BEGIN {
      brokers = split(racks, pairs, " ")
      for (i = 1; i <= brokers; i++) {
        split(pairs[i], pair, "=")
        wanted[i] = pair[1]
        stays[pair[1]] = 1
        rack[pair[1]] = pair[2]
      }
    }
    NF {
      p = ++partitions
      topic[p] = $1
      if (!($1 in begin)) { begin[$1] = p; names[++topics] = $1 }
      number[p] = $2
      size[p] = split($4, ids, ",")
      for (i = 1; i <= size[p]; i++) count(p, i, ids[i], 1)
    }
    END {
      for (i = 1; i <= brokers; i++) if (!total[wanted[i]]) open[wanted[i]] = 1
      for (p = 1; p <= partitions; p++)
        for (place = 1; place <= size[p]; place++)
          if (!(at[p, place] in stays)) move_off(p, place)
      while (spread()) continue
      while (lead()) continue
      for (p = 1; p <= partitions; p++) {
        if (!(p in changed)) continue
        replicas = at[p, 1]
        for (place = 2; place <= size[p]; place++) replicas = replicas "," at[p, place]
        print topic[p], number[p], replicas
      }
    }' <<<"$1"
}

# under_way PARTITIONS: how many of MOVE are not done, and how many there are. While a partition
# moves, it has its former replicas besides the new ones.
under_way() {
  awk '
    FNR == NR { replicas[$1, $2] = $4; next }
    {
      count = split($3, ids, ",")
      here = 0
      for (i = 1; i <= count; i++) here += index("," replicas[$1, $2] ",", "," ids[i] ",") > 0
      if (here == count && split(replicas[$1, $2], former, ",") > count) left++
    }
    END { print left + 0, FNR }' <(printf '%s\n' "$1") "$MOVE"
}

# still_there PARTITIONS: the lines of MOVE without those of topics that were deleted meanwhile.
still_there() {
  awk 'FNR == NR { there[$1, $2] = 1; next } ($1, $2) in there' <(printf '%s\n' "$1") "$MOVE"
}

# move_json: MOVE as Kafka's tools read it.
move_json() {
  awk 'BEGIN { printf "{\"version\":1,\"partitions\":[" }
    { printf "%s{\"topic\":\"%s\",\"partition\":%d,\"replicas\":[%s]}", (NR > 1 ? "," : ""), $1, $2, $3 }
    END { print "]}" }' "$MOVE"
}

# brokers_tool NAME ARGUMENTS...: one of Kafka's own; leaves in REPORT what it printed.
brokers_tool() {
  REPORT=$("/usr/local/kafka/bin/$1" --bootstrap-server "$BOOTSTRAP" "${@:2}" 2>&1) ||
    fail "partitions not moved: $1 has failed with $(grep -v '^[[:space:]]*at ' <<<"$REPORT" | grep . | tail -n 3). Run up again to go on; logs: journalctl -u kafka-server on each broker"
}

# dead_holders PARTITIONS REGISTERED: the brokers that have replicas and are not registered.
dead_holders() {
  awk -v registered="$2" '
    BEGIN { count = split(registered, ids, ","); for (i = 1; i <= count; i++) up[ids[i]] = 1 }
    { count = split($4, ids, ",")
      for (i = 1; i <= count; i++) if (!(ids[i] in up) && !told[ids[i]]++) print ids[i] }' <<<"$1"
}

# start_move MOVES: notes what is to be moved, and has Kafka move it.
start_move() {
  local options=(--execute --throttle $((THROTTLE_MIBPS << 20))) dead
  dead=$(dead_holders "$PARTITIONS" "$REGISTERED" | paste -sd,)
  # The tool tells each broker that has replicas its limit, and waits in vain for one that is down.
  [[ -z $dead ]] || options=(--execute)
  put "$MOVE" "$1"
  say "moving $(wc -l <"$MOVE") partitions$(
    [[ -z $dead ]] && echo ", at most $THROTTLE_MIBPS MiB/s into and out of each broker" ||
      echo " with no limit, since brokers $dead are down"
  )"
  brokers_tool kafka-reassign-partitions.sh "${options[@]}" \
    --reassignment-json-file <(move_json)
}

# await_move: until no partition has former replicas besides the new ones. It leaves in MOVE only
# partitions that still exist.
await_move() {
  local answer left all last="" changed=$SECONDS told=$SECONDS
  while ((SECONDS - changed < STALL_SECONDS)); do
    if answer=$(metadata "$BOOTSTRAP"); then
      PARTITIONS=$(partitions_of "$answer")
      put "$MOVE" "$(still_there "$PARTITIONS")"
      read -r left all < <(under_way "$PARTITIONS")
      ((left > 0)) || return 0
      [[ $left == "$last" ]] || changed=$SECONDS
      last=$left
    fi
    if ((SECONDS - told >= PROGRESS_SECONDS)); then
      say "moving partitions: ${left:-an unknown number} of ${all:-all} left"
      told=$SECONDS
    fi
    sleep 0.5
  done
  fail "partitions not moved: not one in $STALL_SECONDS s; last saw ${left:-an unknown number} left. Kafka goes on with them; run up again to wait for them; logs: journalctl -u kafka-server on each broker"
}

# finish_move: waits for the move that is noted, if there is one, has its limits removed, and lets
# the first replicas lead.
finish_move() {
  [[ -e $MOVE ]] || return 0
  REPORT="still in progress"
  while [[ $REPORT == *"still in progress"* ]]; do
    await_move
    [[ -n $(<"$MOVE") ]] || break
    brokers_tool kafka-reassign-partitions.sh --verify --reassignment-json-file <(move_json)
  done
  [[ -z $(<"$MOVE") ]] ||
    brokers_tool kafka-leader-election.sh --election-type preferred \
      --path-to-json-file <(move_json)
  rm -f "$MOVE"
}

# placed TOPIC PARTITIONS FACTOR [ANSWER]: options for a topic that is to be made, by what a broker
# says of all. Kafka would also take brokers that are about to go.
placed() {
  local answer=${4-} leaving nobody replicas
  [[ -n $answer ]] || answer=$(metadata "$BOOTSTRAP") || fail "no answer from $BOOTSTRAP: $answer"
  leaving=$(awk -v racks=" $RACKS" '/^ *broker / && !index(racks, " " $2 "=")' <<<"$answer")
  if [[ -z $leaving ]]; then
    echo "--partitions $2 --replication-factor $3"
    return
  fi
  nobody=$(seq -s, -- -1 -1 "-$3")
  replicas=$(plan_moves "$(
    partitions_of "$answer"
    seq -f "$1 %.0f -1 $nobody" 0 "$(($2 - 1))"
  )" | awk -v topic="$1" '$1 == topic { print $3 }' | tr , : | paste -sd,)
  echo "--replica-assignment $replicas"
}
