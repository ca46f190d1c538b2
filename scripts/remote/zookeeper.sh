#!/bin/bash
# What there is to know about a ZooKeeper ensemble from one of its hosts. Comes after common.sh.
#
# Inputs: NODES (full names of all nodes); for the functions of configure.sh NODE_ID (myid), DATA
#   and SERVICE_USER too.
# Idempotent: changes nothing but the missing myid of a new data directory. Asks ZooKeeper by its
#   four-letter words, which need no Java.

# ask NODE WORD: the answer to a four-letter word.
ask() {
  # shellcheck disable=SC2016 # The inner shell expands it.
  timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/2181" && printf "%s" "$1" >&3 && cat <&3' "$1" "$2" \
    2>/dev/null
}

# role NODE: leader, follower, standalone, or down.
role() {
  local mode
  mode=$(ask "$1" srvr | sed -n 's/^Mode: //p')
  echo "${mode:-down}"
}

# roles: asks every node at once. Leaves roles in SEEN, the leader's name in LEADER, and the number
# of nodes that serve in SERVING.
roles() {
  local node line
  LEADER="" SERVING=0 SEEN=""
  while read -r node line; do
    SEEN="$SEEN${SEEN:+, }${node%%.*} $line"
    case $line in
      leader | standalone) LEADER=$node ;;
    esac
    [[ $line == down ]] || SERVING=$((SERVING + 1))
  done < <({
    for node in $NODES; do
      echo "$node $(role "$node")" &
    done
    wait
  } | sort)
}

# leader_content: whether there is a leader, and it has all the followers that it counts on.
leader_content() {
  local answer
  roles
  [[ -n $LEADER ]] || return 1
  [[ $SEEN == *standalone* ]] && return
  answer=$(ask "$LEADER" mntr) || return 1
  awk '$1 == "zk_synced_followers" { f = $2 } $1 == "zk_quorum_size" { q = $2 }
    END { exit !(q > 0 && f + 1 >= q) }' <<<"$answer"
}

ensemble_whole() {
  leader_content && [[ $SERVING == "$(wc -w <<<"$NODES")" ]]
}

service_serves() {
  [[ $(role 127.0.0.1) != down ]]
}

cluster_whole() {
  leader_content
}

# leads: whether this node is the leader.
leads() {
  [[ $(role 127.0.0.1) == leader ]]
}

service_back() {
  if ! service_serves; then
    SEEN="no answer here, unit $(systemctl is-active zookeeper-server || true), and the log $(
      journalctl -q -u zookeeper-server -n 15 -o cat)"
    return 1
  fi
  leader_content
}

# check_identity: the data must be this node's.
check_identity() {
  local file=$DATA/myid id
  if [[ ! -e $file ]]; then
    [[ ! -e $DATA/version-2 ]] ||
      fail "$file: it must exist beside data; got none. If this volume is node $NODE_ID's, write $NODE_ID into it."
    install -d -m 0750 -o "$SERVICE_USER" -g "$SERVICE_USER" "$DATA"
    put "$file" "$NODE_ID"
    return
  fi
  id=$(cat "$file")
  [[ $id == "$NODE_ID" ]] ||
    fail "$file: it must hold $NODE_ID; got \"$id\". Either this volume is another node's: attach the right one. Or the file is damaged: write $NODE_ID into it."
}

# check_release: the releases that the program offers read one another's data.
check_release() {
  return 0
}

# hold_back: and speak with one another.
hold_back() {
  return 0
}

# note_config: so there is nothing to be remembered.
note_config() {
  return 0
}

# check_size: what ZooKeeper keeps does not depend on how many nodes there are.
check_size() {
  return 0
}

# check_config: ZooKeeper has no check but its start; the program knows its keys.
check_config() {
  return 0
}

# settle_live: ZooKeeper changes nothing while it runs.
settle_live() {
  return 0
}
