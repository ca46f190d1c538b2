#!/bin/bash
# Prepares empty data directories: zkServer-initialize.sh [--configfile=FILE] [--myid=ID] [--force]
#
# Inputs: the arguments; ZOOCFGDIR and ZOOCFG, which say where the configuration is.
# Idempotence: refuses directories that hold data. With --force it deletes this data first.
set -euo pipefail

# shellcheck source=zkEnv.sh
. "$(dirname "${BASH_SOURCE[0]}")/zkEnv.sh"

usage() {
  echo "USAGE: $0 [--configfile=FILE] [--myid=ID] [--force]"
  echo "  --configfile  ZooKeeper's configuration ($ZOOCFG)"
  echo "  --myid        id of this server, 1 to 255"
  echo "  --force       delete the data in the directories"
}

id=
force=false
while [ $# -gt 0 ]; do
  case $1 in
    --configfile=?*) ZOOCFG=${1#*=} ;;
    --myid=?*) id=${1#*=} ;;
    --configfile | --myid)
      if [ $# -lt 2 ]; then
        usage >&2
        exit 1
      fi
      if [ "$1" = --myid ]; then id=$2; else ZOOCFG=$2; fi
      shift
      ;;
    --force) force=true ;;
    -h | --help)
      usage
      exit 1
      ;;
    *)
      echo "$0: unknown option $1" >&2
      usage >&2
      exit 1
      ;;
  esac
  shift
done

if [ ! -r "$ZOOCFG" ]; then
  echo "$0: cannot read the configuration $ZOOCFG" >&2
  exit 1
fi
data=$(zk_setting dataDir)
log=$(zk_setting dataLogDir)
if [ -z "$data" ]; then
  echo "$0: $ZOOCFG has no dataDir" >&2
  exit 1
fi
for directory in "$data" ${log:+"$log"}; do
  if [ "$force" = false ] && [ -d "$directory/version-2" ]; then
    echo "$0: $directory holds data already; --force deletes it" >&2
    exit 1
  fi
done
for directory in "$data" ${log:+"$log"}; do
  rm -rf "$directory/myid" "$directory/version-2"
  mkdir -p "$directory/version-2"
done
if [ -n "$id" ]; then
  echo "$id" >"$data/myid"
else
  echo "Without --myid: write the id of this server to $data/myid, unless it is alone."
fi
touch "$data/initialize"
