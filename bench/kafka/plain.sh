#!/usr/bin/env bash
# ZooKeeper and Kafka as plain processes of this machine, without hosts, names and sandbox, and with only the
# loopback network. They use the same Java, releases and class data (through a chroot to the hosts' image), and
# one volume each, like hosts.
#
#   plain.sh DIRECTORY <LOAD     runs load.sh next to them, and prints its output
#
# Inputs: DIRECTORY/NAME/{node,config,logging}, from plain-files.ts; .lab/.
# Idempotence: all files are in /var/lib/kafkalab-bench/plain, which is removed first and at the end. Mounts
#   and processes are in namespaces that end with the script.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lab=$(cd "$here/../../.lab" && pwd)
top=/var/lib/kafkalab-bench/plain
tree=$top/root

node() { # NAME
  local file=$top/nodes/$1
  # shellcheck source=/dev/null
  . "$file/node"
  if [ ! -e "$tree/usr/local/$PRODUCT" ]; then
    tar -x -C "$tree/usr/local" --no-same-owner -f "$(ls "$lab/archives/$ARCHIVE"/*.t*)"
    ln -s "$RELEASE" "$tree/usr/local/$PRODUCT"
    cp "$file/logging" "$tree/usr/local/$PRODUCT/$LOGGING_FILE"
  fi
  truncate -s "${VOLUME_GIB}G" "$top/$1.volume"
  mkfs.ext4 -q -m 1 "$top/$1.volume"
  mkdir -p "$tree/data/$1"
  mount -o loop,noatime "$top/$1.volume" "$tree/data/$1"
  mkdir "$tree/data/$1/data" "$tree/data/$1/log"
  if [ -n "$MYID" ]; then
    echo "$MYID" >"$tree/data/$1/data/myid"
  fi
  cp "$file/config" "$tree/data/$1/config"
  (
    # The same limit as in the lab's units, or the machine's maximum.
    ulimit -n 131072 2>/dev/null || ulimit -n "$(ulimit -H -n)"
    # shellcheck disable=SC2086 # one word a variable is not wanted: it is one assignment a line
    export LOG_DIR=/data/$1/log ZOO_LOG_DIR=/data/$1/log
    while read -r assignment; do
      export "${assignment?}"
    done <<<"$ENVIRONMENT"
    # shellcheck disable=SC2086 # the command has words
    exec chroot "$tree" $COMMAND "/data/$1/config" >"$top/$1.log" 2>&1 </dev/null
  ) &
}

if [ "$1" != --inside ]; then
  rm -rf --one-file-system "$top"
  trap 'rm -rf --one-file-system "$top"' EXIT
  mkdir -p "$top/upper" "$top/work" "$tree"
  cp -r "$1" "$top/nodes"
  status=0
  unshare --mount --propagation private --pid --fork --kill-child bash "$0" --inside || status=$?
  [ "$status" -eq 0 ] || tail -n 3 "$top"/*.log >&2
  exit "$status"
fi
mount -t overlay overlay -o "lowerdir=$(readlink -f "$lab/image"),upperdir=$top/upper,workdir=$top/work" "$tree"
mount -t proc proc "$tree/proc"
mount --rbind /dev "$tree/dev"
mount -t tmpfs tmpfs "$tree/tmp"
echo "127.0.0.1 localhost $(hostname)" >"$tree/etc/hosts"
for directory in "$top/nodes"/*; do
  node "${directory##*/}"
done
chroot "$tree" bash -s
