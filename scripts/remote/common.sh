#!/bin/bash
# What the scripts that run on a lab host share: strict mode, one run at a time, bounded waits.
#
# Inputs: HOST, the host's short name.
# Idempotent: defines functions only. It comes first in every script that is sent to a host.
set -euo pipefail
export LC_ALL=C.UTF-8

# say TEXT: one line of progress.
say() {
  printf '%s: %s\n' "$HOST" "$1" >&2
}

# fail TEXT: ends the script.
fail() {
  say "$1"
  exit 1
}

# only_run: waits until no other run of these scripts works on this host. An earlier one goes on
# here when its Pulumi is killed.
only_run() {
  exec 9>/run/lock/kafkalab
  flock -w 600 9 || fail "another run is still at work here after 600 s"
}

# wait_until SECONDS STATE LOGS COMMAND...: until COMMAND succeeds. It leaves in SEEN what it saw.
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

# same FILE TEXT: whether the file holds this text and nothing else.
same() {
  [[ -f $1 ]] && [[ $(cat "$1" && echo .) == "$2"$'\n'. ]]
}

# put FILE TEXT: writes the file, whole or not at all, and only if it differs.
put() {
  same "$1" "$2" && return
  printf '%s\n' "$2" >"$1.new"
  chmod 0644 "$1.new"
  mv -f "$1.new" "$1"
}

# port_open HOST PORT: whether something listens there.
port_open() {
  # shellcheck disable=SC2016 # The inner shell expands it.
  timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>/dev/null
}
