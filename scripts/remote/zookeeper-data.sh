#!/bin/bash
# Prepares ZooKeeper's start on this host: its myid, a first list of members, and the script that the unit
# runs. Comes after common.sh.
#
# Inputs: NODE_ID (myid), DATA, LINK, SERVICE_USER, DIRECTORY (release), CONFIG (zoo.cfg).
# Idempotent: defines functions only. They create missing files, and never replace a myid or a list.

SUPER=/etc/kafkalab/zookeeper-super

# member ID HOST: prints a line of the list of members. Short names stay valid when the domain changes.
member() {
  echo "server.$1=${2%%.*}:2888:3888:participant;2181"
}

# check_metrics_library: fails if CONFIG needs a library that the release lacks. ZooKeeper itself notices that
# only at start. An archive that the setup packs from Maven's jars lacks libraries that Maven does not have.
check_metrics_library() {
  local library=zookeeper-prometheus-metrics
  grep -q '^metricsProvider\.className=.*\.PrometheusMetricsProvider$' <<<"$CONFIG" || return 0
  compgen -G "/usr/local/$DIRECTORY/lib/$library-*.jar" >/dev/null ||
    fail "setting \"kafkalab:zookeeperConfig\": it must hold a metricsProvider.className whose library is there; got PrometheusMetricsProvider, and /usr/local/$DIRECTORY/lib has no $library-*.jar: the archive was packed from Maven's jars. Nothing was changed here. Leave it out, or install from Apache's own archive."
}

# check_myid: fails if the data belongs to another node. Writes the myid of new data.
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

# static_members: prints the members that an earlier release of the lab wrote into zoo.cfg.
static_members() {
  local id node static=$LINK/conf/zoo.cfg
  [[ -e $static ]] || return 0
  sed -n 's/^server\.\([0-9]*\)=\([^.:]*\).*/\1 \2/p' "$static" | while read -r id node; do
    member "$id" "$node"
  done
}

# first_members LIST: writes the first list of a node without a list of members: the list from an earlier
# release of the lab, or LIST. Returns 1 if both are empty.
first_members() {
  local file list
  for file in "$DATA"/zoo.cfg.dynamic*; do
    [[ ! -e $file ]] || return 0
  done
  list=$(static_members)
  list=${list:-$1}
  [[ -n $list ]] || return 1
  put "$DATA/zoo.cfg.dynamic" "$list"
}

# start_service: the command of the unit. Starts ZooKeeper with the lab's zoo.cfg and the newest list of
# members that ZooKeeper has written. ZooKeeper rejects a list without its own node. Until the node is a
# member its lists do not contain it, so this function adds the node.
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

# prepare_start: writes the script that the unit runs, and the password of the user that may change members.
# Each host has its own password, because the node that gets the request checks it against its own digest.
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
