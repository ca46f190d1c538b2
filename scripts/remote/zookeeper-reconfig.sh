#!/bin/bash
# Changes the members of the ensemble with ZooKeeper's own command, on the host of a member. Comes after
# zookeeper-data.sh.
#
# Inputs: CHANGE (an option of reconfig: "-add ..." or "-remove ..."), LINK.
# Idempotent: a change that is already made has no effect. Prints the last line of ZooKeeper's answer without
#   the password. The command reads the password from stdin, and it never leaves the host.

reconfigure() {
  local password report
  password=$(cat "$SUPER")
  report=$(printf 'addauth digest super:%s\nreconfig %s\n' "$password" "$CHANGE" |
    timeout 60 "$LINK/bin/zkCli.sh" -server 127.0.0.1:2181 2>&1) || true
  grep -v '^\[zk:' <<<"${report//"$password"/...}" | tail -n 1 || true
}

main() {
  reconfigure
}

main </dev/null
