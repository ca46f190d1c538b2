#!/bin/bash
# Installs ZooKeeper on this host, and starts it if it is one of the first nodes of a new ensemble.
# Comes after zookeeper-data.sh and install.sh.
#
# Inputs: those of these files.
# Idempotent: does not change a node that was ever configured.

# founders_list: prints a founder's first list of members, which are all founders.
founders_list() {
  local pair id=0
  for pair in $FOUNDERS; do
    member $((id += 1)) "${pair%=*}"
  done
}

main() {
  install_service
  if is_new_founder "$DATA/version-2"; then
    check_metrics_library
    check_myid
    first_members "$(founders_list)"
    prepare_start
    start_founder
  fi
  finish_install
}

main </dev/null
