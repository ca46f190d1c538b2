#!/bin/bash
# Waits until a ZooKeeper ensemble is whole: one leader, and every other node follows it.
#
# Inputs: NODES (full names of all nodes). Comes after zookeeper.sh.
# Idempotent: asks only.

READY_SECONDS=180

main() {
  wait_until "$READY_SECONDS" "ZooKeeper ensemble not whole" \
    "journalctl -u zookeeper-server on each node" ensemble_whole
  say "ZooKeeper: $SEEN"
}

main </dev/null
