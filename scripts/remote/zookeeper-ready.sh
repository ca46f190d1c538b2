#!/bin/bash
# Makes those nodes members of a ZooKeeper ensemble that are to be, one at a time, takes the others
# out of it, and waits until it is whole: one leader, and every other node follows it.
#
# Inputs: NODES (full names of all nodes that are to be members). Comes after zookeeper.sh.
# Idempotent: where the members are those, it asks only, and needs no Java. No node is restarted, and
#   the ensemble goes on; it elects a leader where the one that it has is to go.

READY_SECONDS=180

# all_serve: whether there is a leader, and all that are to be members follow it or lead.
all_serve() {
  roles
  [[ -n $LEADER && $SERVING == "$(wc -w <<<"$NODES")" ]]
}

ensemble_whole() {
  leader_content && [[ $SERVING == "$(wc -w <<<"$NODES")" ]]
}

# next_change: after roles, what to tell ZooKeeper next; nothing where the members are those that are to be. Fails
# where this node does not know the members.
next_change() {
  local node id=0 known
  known=$(members 127.0.0.1)
  [[ -n $known ]] || return 1
  for node in $NODES; do
    id=$((id + 1))
    if ! grep -q "^$id " <<<"$known"; then
      echo "-add $(member "$id" "$node")"
      return
    fi
  done
  # The leader last: then the one that is elected is one that stays.
  awk -v wanted="$id" -v leader="$LEADER" '$1 <= wanted { next }
    $2 == leader { last = $1; next }
    { other = $1 }
    END { if (other || last) print "-remove " (other ? other : last) }' <<<"$known"
}

# reconfigure CHANGE: leaves in SEEN what ZooKeeper had to say, without the password.
reconfigure() {
  local password report
  password=$(cat "$SUPER")
  report=$(printf 'addauth digest super:%s\nreconfig %s\n' "$password" "$1" |
    timeout 60 /usr/local/zookeeper/bin/zkCli.sh -server 127.0.0.1:2181 2>&1) || true
  SEEN="the answer to reconfig $1: $(grep -v '^\[zk:' <<<"${report//"$password"/...}" | tail -n 1)"
}

change_known() {
  all_serve && CHANGE=$(next_change)
}

# members_settled: one change at a time, each only while all that stay are there.
members_settled() {
  change_known || return 1
  [[ -n $CHANGE ]] || return 0
  # Of those that are to go, some may be gone.
  [[ $CHANGE == -remove* ]] || leader_content || return 1
  say "ZooKeeper: reconfig $CHANGE"
  reconfigure "$CHANGE"
  return 1
}

main() {
  wait_until "$READY_SECONDS" "ZooKeeper ensemble not whole" \
    "journalctl -u zookeeper-server on each node" change_known
  if [[ -n $CHANGE ]]; then
    only_run
    wait_until "$READY_SECONDS" "members of the ZooKeeper ensemble not changed" \
      "journalctl -u zookeeper-server on each node" members_settled
  fi
  wait_until "$READY_SECONDS" "ZooKeeper ensemble not whole" \
    "journalctl -u zookeeper-server on each node" ensemble_whole
  say "ZooKeeper: $SEEN"
}

main </dev/null
