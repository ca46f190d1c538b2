#!/bin/bash
# What there is to know about a ZooKeeper ensemble from one of its hosts. Comes after common.sh.
#
# Inputs: NODES (full names of all nodes that are to be members); for the functions of configure.sh
#   NODE_ID (myid), DATA, LINK, SERVICE_USER, VOLUME (id of the data volume) and FOUNDERS ("node=volume
#   ...", the first nodes of the ensemble) too.
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

# role NODE: leader, follower, or down.
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

# everybody: the nodes that are to be members, and those that still are.
everybody() {
  {
    # shellcheck disable=SC2086 # One word a node.
    printf '%s\n' $NODES
    members 127.0.0.1 | cut -d ' ' -f 2
  } | cut -d . -f 1 | sort -u
}

# roles: asks everybody at once. Leaves roles in SEEN, the leader's name in LEADER, and the number of
# nodes that serve, of those that are to be members, in SERVING.
roles() {
  local node line
  LEADER="" SERVING=0 SEEN=""
  while read -r node line; do
    SEEN="$SEEN${SEEN:+, }${node%%.*} $line"
    case $line in
      leader) LEADER=$node ;;
    esac
    if [[ $line != down && " $NODES " == *" $node."* ]]; then
      SERVING=$((SERVING + 1))
    fi
  done < <({
    for node in $(everybody); do
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
  answer=$(ask "$LEADER" mntr) || return 1
  awk '$1 == "zk_synced_followers" { f = $2 } $1 == "zk_quorum_size" { q = $2 }
    $1 == "zk_synced_non_voting_followers" { n = $2 }
    END { exit !(q > 0 && f - n + 1 >= q) }' <<<"$answer"
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

# first_members: a node that has none starts with the founders, if it is one and all begin; any other
# with the members that there are, and itself. It is no member by that, and forms no majority: it is
# led by those that are, until the gate has made it one.
first_members() {
  local node id=0
  [[ -z $(compgen -G "$DATA/zoo.cfg.dynamic*") ]] || return 0
  if [[ " $FOUNDERS " == *" $HOST=$VOLUME "* ]]; then
    MEMBERS=$(for node in $FOUNDERS; do
      member $((id += 1)) "${node%=*}"
    done)
  else
    wait_until "$JOIN_SECONDS" "$HOST, whose data volume is new, found no ensemble that serves to join" \
      "journalctl -u zookeeper-server on the other nodes" ensemble_found
  fi
  put "$DATA/zoo.cfg.dynamic" "$MEMBERS"
}

ensemble_found() {
  local node found
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

# own_config: what ZooKeeper is started with: the lab's zoo.cfg, and the newest list of members that
# it has written down. It refuses a list without itself, which a node has until it is a member.
own_config() {
  local file version id list=$DATA/zoo.cfg.dynamic newest=0
  for file in "$DATA"/zoo.cfg.dynamic.*; do
    version=${file##*.}
    if [[ $version =~ ^[0-9a-f]+$ ]] && ((16#$version > newest)); then
      newest=$((16#$version)) list=$file
    fi
  done
  id=$(cat "$DATA/myid")
  if ! grep -q "^server\.$id=" "$list"; then
    {
      grep '^server\.' "$list"
      member "$id" "$HOST"
    } >"$DATA/zoo.cfg.first"
    list=$DATA/zoo.cfg.dynamic
    mv -f "$DATA/zoo.cfg.first" "$list"
  fi
  {
    cat "$LINK/conf/zoo.cfg" "$SUPER.cfg"
    echo "dynamicConfigFile=$list"
  } >"$DATA/zoo.cfg.new"
  mv -f "$DATA/zoo.cfg.new" "$DATA/zoo.cfg"
}

# prepare_start: the script that makes the configuration at each start, and the password of the user
# that may change the members. Each host has its own: it is checked by the node that is asked.
prepare_start() {
  local digest
  mkdir -p "${SUPER%/*}"
  if [[ ! -s $SUPER ]]; then
    (umask 077 && od -An -v -tx1 -N 32 /dev/urandom | tr -d ' \n' >"$SUPER.new")
    mv -f "$SUPER.new" "$SUPER"
  fi
  digest=$(printf 'super:%s' "$(cat "$SUPER")" | sha1sum | sed 's/ .*//; s/../\\x&/g')
  # shellcheck disable=SC2059 # It is a format: bytes.
  put "$SUPER.cfg" "DigestAuthenticationProvider.superDigest=super:$(printf "$digest" | base64)"
  put "${SUPER%/*}/zookeeper-start.sh" "set -euo pipefail
$(declare -p DATA LINK SUPER HOST)
$(declare -f member own_config)
own_config"
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
