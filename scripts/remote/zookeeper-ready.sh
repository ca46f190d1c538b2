#!/bin/bash
# Makes those nodes members of a ZooKeeper ensemble that are to be, one at a time, takes the others
# out of it, and waits until it is whole. Comes after zookeeper-whole.sh.
#
# Inputs: NODES (full names of all nodes that are to be members).
# Idempotent: where the members are those, it asks only, and needs no Java. No node is restarted, and
#   the ensemble goes on; it elects a leader where the one that it has is to go.

# next_change: after roles, what to tell ZooKeeper next; nothing where the members are those that are
# to be. Fails where this node does not know the members.
next_change() {
  local known id=0 wanted=0 node other="" last=""
  known=$(members 127.0.0.1)
  [[ -n $known ]] || return 1
  for node in $NODES; do
    wanted=$((wanted + 1))
    if [[ $'\n'$known != *$'\n'"$wanted "* ]]; then
      echo "-add $(member "$wanted" "$node")"
      return
    fi
  done
  # The leader last: then the one that is elected is one that stays.
  while read -r id node; do
    if ((id <= wanted)); then
      continue
    elif [[ $node == "${LEADER%%.*}" ]]; then
      last=$id
    else
      other=$id
    fi
  done <<<"$known"
  [[ -z $other$last ]] || echo "-remove ${other:-$last}"
}

# reconfigure CHANGE: leaves in SEEN what ZooKeeper had to say, without the password.
reconfigure() {
  local password report
  password=$(cat "$SUPER")
  report=$(printf 'addauth digest super:%s\nreconfig %s\n' "$password" "$1" |
    timeout 60 /usr/local/zookeeper/bin/zkCli.sh -server 127.0.0.1:2181 2>&1) || true
  SEEN="the answer to reconfig $1: $(grep -v '^\[zk:' <<<"${report//"$password"/...}" | tail -n 1)"
}

# settled: makes one change at a time, each only while all that stay are there.
settled() {
  local change
  all_serve && change=$(next_change) || return 1
  if [[ -z $change ]]; then
    followers_synced
    return
  fi
  # Of those that are to go, some may be gone.
  [[ $change == -remove* ]] || followers_synced || return 1
  say "ZooKeeper: reconfig $change"
  reconfigure "$change"
  return 1
}

main() {
  await_whole settled
  say "ZooKeeper: $SEEN"
}

main </dev/null
