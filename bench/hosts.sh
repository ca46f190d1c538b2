#!/usr/bin/env bash
# Hosts of the bench, without Pulumi or the local cloud: the lab's image in namespaces on a bridge.
#
# Inputs: SIDE (floor or book); sourced, not run. In $top: network and hosts/NAME/{host,upper}, from
#   floor-files.ts and book-files.ts.
# Idempotence: all names begin with kafkalab-bench-SIDE, so remove_hosts finds all hosts, even those of a
#   killed run.

bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../scripts/dev/lib.sh
. "$bench/../scripts/dev/lib.sh"
top=/var/lib/kafkalab-bench/$SIDE
prefix=kafkalab-bench-$SIDE
router=$prefix-router
cgroups=/sys/fs/cgroup
if [ -d $cgroups/unified ]; then
  cgroups=$cgroups/unified
fi

remove_hosts() {
  local namespace directory device _
  for namespace in $(ip netns list | sed -n "s/^\($prefix-[^ ]*\).*/\1/p"); do
    # shellcheck disable=SC2046 # one word a process
    kill -KILL $(ip netns pids "$namespace") 2>/dev/null || true
    ip netns delete "$namespace"
  done
  for directory in "$top"/hosts/*/root; do
    [ -d "$directory" ] || continue
    # systemd-nspawn ends shortly after its host.
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
  # With cgroup v1 systemd-nspawn creates the same groups again in systemd's own hierarchy.
  for directory in "$cgroups/$prefix" "/sys/fs/cgroup/systemd/$prefix"; do
    for _ in {1..100}; do
      [ -d "$directory" ] || break
      ! find "$directory" -depth -type d -exec rmdir {} + 2>/dev/null || break
      sleep 0.05
    done
  done
  rm -rf --one-file-system "$top"
}

# Creates the bridge between the hosts, and the server for the releases.
network() {
  # shellcheck source=/dev/null
  . "$top/network"
  ip netns add "$router"
  # shellcheck disable=SC2153 # ROUTER is an input
  ip -n "$router" -batch - <<BATCH
link set lo up
link add br0 type bridge
address add $ROUTER dev br0
link set br0 up
BATCH
  ip netns exec "$router" busybox httpd -f -p 80 -h "$lab/archives/" </dev/null >/dev/null 2>&1 &
  disown # so that the shell does not report its end
}

# Creates a host, and executes its systemd-nspawn.
host() { # NAME [LAYER], an overlay layer on top of the image
  local name=$prefix-$1 directory=$top/hosts/$1 upper=$top/hosts/$1/upper group device
  local -a enter=() volume=()
  # shellcheck source=/dev/null
  . "$directory/host"
  ip netns add "$name"
  ip -n "$router" -batch - <<BATCH
link add $1 type veth peer name ens5 netns $name
link set $1 master br0 up
BATCH
  # The network exists before the host boots, so that no unit has to wait for it.
  ip -n "$name" -batch - <<BATCH
link set ens5 up
address add $ADDRESS dev ens5
BATCH
  if [ -n "${VOLUME_GIB-}" ]; then
    truncate -s "${VOLUME_GIB}G" "$directory/volume"
    device=$(flock "$top" losetup --find --show "$directory/volume")
    volume=("--bind=$device:/dev/nvme1n1")
  fi
  mkdir "$directory/work" "$directory/root"
  mount -t overlay "$name" \
    -o "lowerdir=${2:+$2:}$(readlink -f "$lab/image"),upperdir=$upper,workdir=$directory/work" \
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
    "--network-namespace-path=/run/netns/$name" "${volume[@]}" \
    </dev/null >"$directory/console.log" 2>&1
}

# Replaces the files of an earlier run with the hosts' files.
take_files() { # DIRECTORY
  remove_hosts
  mkdir -p "${top%/*}"
  cp -a "$1" "$top"
}

# seconds_since TIME: prints the seconds since a value of $EPOCHREALTIME, for example 1.234.
seconds_since() {
  local microseconds=$((${EPOCHREALTIME/./} - ${1/./}))
  printf '%d.%03d\n' $((microseconds / 1000000)) $((microseconds / 1000 % 1000))
}
