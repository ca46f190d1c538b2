#!/usr/bin/env bash
# The floor under `up`: the same hosts, from the same image and archives, with the same
# configuration, made by hand, all side by side, with nothing between them but a bridge. No Pulumi,
# no SSH, no firewall, no DNS, no DHCP, and no wait that is not for the services themselves.
#
#   floor.sh DIRECTORY     makes it, prints the seconds until a message went through, removes it
#   floor.sh --remove      removes what a killed run has left
#
# Inputs: DIRECTORY, as floor-files.ts writes it; .lab/, as set-up makes it.
# Idempotence: every name that it gives begins with kafkalab-bench; all of them are removed first,
#   and at the end, also if it fails.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lab=$(cd "$here/../.lab" && pwd)
top=/var/lib/kafkalab-bench/floor
prefix=kafkalab-bench
limit=180
cgroups=/sys/fs/cgroup
if [ -d $cgroups/unified ]; then
  cgroups=$cgroups/unified
fi

remove() {
  local namespace directory device _
  for namespace in $(ip netns list | sed -n "s/^\($prefix-[^ ]*\).*/\1/p"); do
    # shellcheck disable=SC2046 # one word a process
    kill -KILL $(ip netns pids "$namespace") 2>/dev/null || true
    ip netns delete "$namespace"
  done
  for directory in "$top"/hosts/*/root; do
    [ -d "$directory" ] || continue
    # systemd-nspawn ends a moment after its host.
    for _ in {1..100}; do
      ! mountpoint -q "$directory" || ! umount "$directory" 2>/dev/null || break
      mountpoint -q "$directory" || break
      sleep 0.05
    done
  done
  for directory in "$top"/hosts/*; do
    [ -e "$directory/volume" ] || continue
    for device in $(losetup --noheadings --output NAME --associated "$directory/volume"); do
      losetup --detach "$device"
    done
  done
  if [ -d "$cgroups/$prefix" ]; then
    for _ in {1..100}; do
      ! find "$cgroups/$prefix" -depth -type d -exec rmdir {} + 2>/dev/null || break
      sleep 0.05
    done
  fi
  rm -rf --one-file-system "$top"
}

network() {
  local router=$prefix-router
  ip netns add "$router"
  # shellcheck disable=SC2153 # ROUTER is an input
  ip -n "$router" -batch - <<BATCH
link set lo up
link add br0 type bridge
address add $ROUTER dev br0
link set br0 up
BATCH
  ip netns exec "$router" busybox httpd -f -p 80 -h "$lab/archives/" &
  disown # its end is no news
}

host() { # NAME
  local name=$prefix-$1 directory=$top/hosts/$1 upper=$top/hosts/$1/upper group device
  local -a enter=()
  # shellcheck source=/dev/null
  . "$directory/host"
  ip netns add "$name"
  ip -n "$prefix-router" -batch - <<BATCH
link add $1 type veth peer name ens5 netns $name
link set $1 master br0 up
BATCH
  # The network is there before the host is, so nothing in it has to wait.
  ip -n "$name" -batch - <<BATCH
link set ens5 up
address add $ADDRESS dev ens5
BATCH
  truncate -s "${VOLUME_GIB}G" "$directory/volume"
  device=$(flock "$top" losetup --find --show "$directory/volume")
  mkdir "$directory/work" "$directory/root"
  mount -t overlay "$name" \
    -o "lowerdir=$(readlink -f "$lab/image"),upperdir=$upper,workdir=$directory/work" \
    "$directory/root"
  if [ -d /run/systemd/system ]; then
    enter=(systemd-run --quiet --scope --collect "--unit=$name" --property=Delegate=yes)
  else
    group=$cgroups/$prefix/$1
    mkdir -p "$group"
    echo "$BASHPID" >"$group/cgroup.procs"
  fi
  SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 exec "${enter[@]}" systemd-nspawn --quiet --boot \
    --register=no --keep-unit --console=pipe --link-journal=no --resolv-conf=off --timezone=off \
    --capability=CAP_NET_ADMIN "--machine=$name" "--directory=$directory/root" \
    "--network-namespace-path=/run/netns/$name" "--bind=$device:/dev/nvme1n1" \
    </dev/null >"$directory/console.log" 2>&1
}

fail() {
  printf 'floor: %s\n' "$1" >&2
  tail -n 5 "$top"/hosts/*/console.log "$top"/hosts/*/upper/bench/log >&2 || true
  exit 1
}

if [ "${1-}" = --remove ]; then
  remove
  exit
fi
remove
trap remove EXIT
trap 'exit 130' INT TERM
mkdir -p "${top%/*}"
cp -a "$1" "$top"
# shellcheck source=/dev/null
. "$top/network"

started=$EPOCHREALTIME
network
for directory in "$top"/hosts/*; do
  host "${directory##*/}" &
done
until [ -e "$top/hosts/$LAST/upper/bench/passed" ]; do
  ((SECONDS < limit)) || fail "no message after $limit s"
  for directory in "$top"/hosts/*; do
    [ ! -e "$directory/upper/bench/failed" ] || fail "${directory##*/} failed"
  done
  sleep 0.02
done
ended=$EPOCHREALTIME
printf '%d.%03d\n' $((t = ${ended/./} - ${started/./}, t / 1000000)) $((t / 1000 % 1000))
for directory in "$top"/hosts/*; do
  echo "${directory##*/}: $(sed "s/^/$started /" "$directory/upper/bench/stages" |
    awk '{ printf "%s %.1f s  ", $2, $3 - $1 }')" >&2
done
