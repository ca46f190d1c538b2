#!/bin/bash
# What there is to know about a ZooKeeper ensemble from one of its hosts. Comes after common.sh.
#
# Inputs: NODES (full names of all nodes that are to be members); for the functions of configure.sh
#   NODE_ID (myid), DATA, LINK, SERVICE_USER, VOLUME (id of the data volume) and FOUNDERS ("node=volume
#   ...", the first nodes of the ensemble), too.
# Idempotent: makes what is missing beside new data: myid and the first list of members; and what a
#   start of the service needs. Asks ZooKeeper by its four-letter words, which need no Java.

JOIN_SECONDS=120
SUPER=/etc/kafkalab/zookeeper-super

# ask NODE WORD: the answer to a four-letter word.
ask() {
  # shellcheck disable=SC2016 # The inner shell expands it.
  timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/2181" && printf "%s" "$1" >&3 && cat <&3' "$1" "$2" \
    2>/dev/null
}

# role NODE: leader, follower, standalone (as earlier releases of the lab ran one node), or down.
role() {
  local mode
  mode=$(ask "$1" srvr | sed -n 's/^Mode: //p')
  echo "${mode:-down}"
}

# members NODE: the members of the ensemble that it serves in, "ID NAME" a line.
members() {
  ask "$1" conf | sed -n 's/^server\.\([0-9]*\)=\([^:]*\):.*/\1 \2/p'
}

# member ID NODE: a line of the list of members. By short names: they outlive a change of the domain.
member() {
  echo "server.$1=${2%%.*}:2888:3888:participant;2181"
}

# look NODE...: asks all of them at once.
look() {
  local node line
  SERVING=0
  while read -r node line; do
    SEEN="$SEEN${SEEN:+, }${node%%.*} $line"
    case $line in
      leader | standalone) LEADER=$node ;;
    esac
    [[ $line == down ]] || SERVING=$((SERVING + 1))
  done < <({
    for node; do
      echo "$node $(role "$node")" &
    done
    wait
  } | sort)
}

# roles: asks every node that is to be a member; the other members, too, where none of those leads.
# Leaves roles in SEEN, the leader's name in LEADER, and in SERVING the number of nodes that serve, of
# those that are to be members.
roles() {
  local serving
  LEADER="" SEEN=""
  # shellcheck disable=SC2086 # One word a node.
  look $NODES
  if [[ -z $LEADER ]] && ((SERVING > 0)); then
    serving=$SERVING
    # shellcheck disable=SC2046 # One word a node.
    look $(leaving)
    SERVING=$serving
  fi
}

# leaving: the members that are not to be.
leaving() {
  local id node
  while read -r id node; do
    [[ " $NODES " == *" $node"[.\ ]* ]] || echo "$node"
  done < <(members 127.0.0.1)
}

# followers_synced: after roles, whether the leader has all the followers that it counts on.
followers_synced() {
  local answer
  [[ $SEEN != *standalone* ]] || return 0
  answer=$(ask "$LEADER" mntr) || return 1
  awk '$1 == "zk_synced_followers" { f = $2 } $1 == "zk_quorum_size" { q = $2 }
    $1 == "zk_synced_non_voting_followers" { n = $2 }
    END { exit !(q > 0 && f - n + 1 >= q) }' <<<"$answer"
}

service_serves() {
  [[ $(role 127.0.0.1) != down ]]
}

cluster_whole() {
  roles
  [[ -n $LEADER ]] && followers_synced
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
  cluster_whole
}

# check_identity: the data must be this node's, and have a list of members.
check_identity() {
  check_myid
  first_members
  prepare_start
}

check_myid() {
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

# first_members: the list that a node without one starts with. Where an earlier release of the lab has
# started it, that one's; for a founder, the founders. Any other joins: with the members that there
# are, and itself. By that it is no member and forms no majority: it is led by those that are, until
# the gate has made it one.
first_members() {
  local file pair id=0 list="" static=$LINK/conf/zoo.cfg
  for file in "$DATA"/zoo.cfg.dynamic*; do
    [[ ! -e $file ]] || return 0
  done
  if [[ -e $static ]] && list=$(static_members "$static") && [[ -n $list ]]; then
    :
  elif [[ " $FOUNDERS " == *" $HOST=$VOLUME "* ]]; then
    list=$(for pair in $FOUNDERS; do
      member $((id += 1)) "${pair%=*}"
    done)
  else
    wait_until "$JOIN_SECONDS" "$HOST, whose data volume is new, found no ensemble that serves to join" \
      "journalctl -u zookeeper-server on the other nodes" ensemble_found
    list=$MEMBERS
  fi
  put "$DATA/zoo.cfg.dynamic" "$list"
}

static_members() { # FILE
  sed -n 's/^server\.\([0-9]*\)=\([^.:]*\).*/\1 \2/p' "$1" | while read -r id node; do
    member "$id" "$node"
  done
}

ensemble_found() {
  local node found id
  for node in $NODES; do
    [[ ${node%%.*} != "$HOST" ]] || continue
    found=$(members "$node")
    [[ -n $found ]] || continue
    MEMBERS=$({
      echo "$NODE_ID $HOST"
      grep -v "^$NODE_ID " <<<"$found"
    } | sort -n | while read -r id node; do member "$id" "$node"; done)
    return
  done
  # shellcheck disable=SC2034 # wait_until shows it.
  SEEN="no member that serves on $NODES"
  return 1
}

# start_service: what the unit runs. ZooKeeper is given the lab's zoo.cfg and the newest list of
# members that it has written down. It refuses a list without itself, which a node has until it is a
# member.
start_service() {
  local file version id members newest=0 list=$DATA/zoo.cfg.dynamic
  for file in "$DATA"/zoo.cfg.dynamic.*; do
    version=${file##*.}
    if [[ $version =~ ^[0-9a-f]+$ ]] && ((16#$version > newest)); then
      newest=$((16#$version)) list=$file
    fi
  done
  read -r id <"$DATA/myid"
  members=$(<"$list")
  if [[ $'\n'$members != *$'\n'"server.$id="* ]]; then
    list=$DATA/zoo.cfg.dynamic
    printf '%s\n' "$members" "$(member "$id" "$HOST")" | grep '^server\.' >"$DATA/zoo.cfg.first"
    mv -f "$DATA/zoo.cfg.first" "$list"
  fi
  printf '%s\n' "$(<"$LINK/conf/zoo.cfg")" "dynamicConfigFile=$list" \
    "DigestAuthenticationProvider.superDigest=super:$DIGEST" >"$DATA/zoo.cfg"
  exec "$LINK/bin/zkServer.sh" start-foreground "$DATA/zoo.cfg"
}

# prepare_start: what the unit runs, and the password of the user that may change the members. Each
# host has its own: it is checked by the node that is asked, which knows a digest of it.
prepare_start() {
  local password sum i bytes="" DIGEST
  mkdir -p "${SUPER%/*}"
  if [[ ! -s $SUPER ]]; then
    password=$(od -An -v -tx1 -w32 -N32 /dev/urandom)
    (umask 077 && printf '%s' "${password// /}" >"$SUPER")
  fi
  sum=$(printf 'super:%s' "$(<"$SUPER")" | sha1sum)
  for ((i = 0; i < 40; i += 2)); do
    bytes+="\\x${sum:i:2}"
  done
  DIGEST=$(printf '%b' "$bytes" | base64)
  put "${SUPER%/*}/zookeeper-start.sh" "set -euo pipefail
$(declare -p DATA LINK HOST DIGEST; declare -f member start_service)
start_service"
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

# check_config: ZooKeeper has no check but its start; the program knows its keys. An archive that
# set-up packs from Maven's jars lacks what Maven's repository lacks.
check_config() {
  local library=zookeeper-prometheus-metrics
  grep -q '^metricsProvider\.className=.*\.PrometheusMetricsProvider$' <<<"$CONFIG" || return 0
  compgen -G "/usr/local/$DIRECTORY/lib/$library-*.jar" >/dev/null ||
    fail "setting \"kafkalab:zookeeperConfig\": it must hold a metricsProvider.className whose library is there; got PrometheusMetricsProvider, and /usr/local/$DIRECTORY/lib has no $library-*.jar: the archive was packed from Maven's jars. Nothing was changed here. Leave it out, or install from Apache's own archive."
}

# settle_live: ZooKeeper changes nothing while it runs.
settle_live() {
  return 0
}
