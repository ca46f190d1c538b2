#!/bin/bash
# Waits until a ZooKeeper ensemble is whole: one leader, and every other node follows it. Comes after
# zookeeper.sh.
#
# Inputs: NODES (names of all nodes that are to be members).
# Idempotent: asks only.

READY_SECONDS=180

# all_serve: whether there is a leader, and all that are to be members follow it or lead.
all_serve() {
  roles
  [[ -n $LEADER && $SERVING == "$(wc -w <<<"$NODES")" ]]
}

ensemble_whole() {
  all_serve && followers_synced
}

# await_whole COMMAND...: until COMMAND succeeds.
await_whole() {
  wait_until "$READY_SECONDS" "ZooKeeper ensemble not whole" \
    "journalctl -u zookeeper-server on each node" "$@"
}
