#!/bin/bash
# Common part of all scripts for lab hosts: strict mode, a lock, and waits with time limits.
#
# Inputs: HOST, the host's short name.
# Idempotent: defines functions only. It is the first file of every script that is sent to a host.
set -euo pipefail
export LC_ALL=C.UTF-8

# say TEXT: prints one line of progress.
say() {
  printf '%s: %s\n' "$HOST" "$1" >&2
}

# fail TEXT: prints an error and exits.
fail() {
  say "$1"
  exit 1
}

# only_run: waits until no other run of these scripts works on this host. An earlier run continues here
# even if its Pulumi was killed.
only_run() {
  exec 9>/run/lock/kafkalab
  flock -w 600 9 || fail "another run is still at work here after 600 s"
}

# wait_until SECONDS STATE LOGS COMMAND...: waits until COMMAND succeeds. COMMAND stores the last seen
# state in SEEN.
wait_until() {
  local seconds=$1 state=$2 logs=$3 deadline
  deadline=$((SECONDS + seconds))
  shift 3
  SEEN=nothing
  until "$@"; do
    if ((SECONDS >= deadline)); then
      fail "$state after $seconds s; last saw $SEEN; logs: $logs"
    fi
    sleep 0.1
  done
}

# same FILE TEXT: whether the file contains exactly this text.
same() {
  [[ -f $1 ]] && [[ $(cat "$1" && echo .) == "$2"$'\n'. ]]
}

# put FILE TEXT: writes the file atomically, and only if it differs.
put() {
  same "$1" "$2" && return
  printf '%s\n' "$2" >"$1.new"
  chmod 0644 "$1.new"
  mv -f "$1.new" "$1"
}

# switch_link LINK RELEASE: points the link to the release, atomically, so that it always points to one.
switch_link() {
  [[ $(readlink "$1") != "$2" ]] || return 0
  ln -sfn "$2" "$1.new"
  mv -T "$1.new" "$1"
}

# data_mounted: fails unless the data volume is mounted.
data_mounted() {
  mountpoint -q /data ||
    fail "the data volume is not mounted at /data; logs: journalctl -u data.mount"
}
