#!/usr/bin/env bash
# The lower bound for `up`: the same hosts, from the same image and archives, with the same configuration. This
# script creates them directly, in parallel, with only a bridge between them. It uses no Pulumi, no SSH, no
# firewall, no DNS and no DHCP, and waits only for the services themselves.
#
#   floor.sh DIRECTORY     creates the hosts, prints the seconds until the first message, removes the hosts
#   floor.sh --remove      removes the leftovers of a killed run
#
# Inputs: DIRECTORY, from floor-files.ts; .lab/, from the setup.
# Idempotence: removes all its hosts first, and at the end even after a failure.
set -euo pipefail

SIDE=floor
# shellcheck source=hosts.sh
. "$(dirname "${BASH_SOURCE[0]}")/hosts.sh"
limit=180

fail() {
  printf 'floor: %s\n' "$1" >&2
  tail -n 5 "$top"/hosts/*/console.log "$top"/hosts/*/upper/bench/log >&2 || true
  exit 1
}

if [ "${1-}" = --remove ]; then
  remove_hosts
  exit
fi
take_files "$1"
trap remove_hosts EXIT
trap 'exit 130' INT TERM

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
seconds_since "$started"
for directory in "$top"/hosts/*; do
  echo "${directory##*/}: $(sed "s/^/$started /" "$directory/upper/bench/stages" |
    awk '{ printf "%s %.1f s  ", $2, $3 - $1 }')" >&2
done
