#!/bin/bash
# Checks and creates the files that ZooKeeper needs on this host before the operator starts or restarts it.
# Comes after zookeeper-data.sh.
#
# Inputs: those of zookeeper-data.sh; MEMBERS (the list of members for a node without one; may be
#   empty).
# Idempotent: creates missing files. Prints "no members" if the node has no list and MEMBERS is empty. Such a
#   node cannot start.

main() {
  only_run
  data_mounted
  check_metrics_library
  check_myid
  first_members "$MEMBERS" || echo "no members"
  prepare_start
}

main </dev/null
