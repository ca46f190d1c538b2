#!/bin/bash
# Ends what ZooKeeper still has of a broker's former process, so that the broker can register at once
# and need not fail until that process's session expires. systemd runs this on the broker's host
# before each start of the broker, as its user: kafka-session.sh LINK SECONDS
#
# Inputs: LINK (the release; its server.properties says who the broker is), SECONDS (how long
#   ZooKeeper may take to answer; the broker starts after that in any case).
# Idempotent: after a clean stop it asks nobody. It deletes only a registration that names this very
#   host, and the controller's only if the same session holds it. Each deletion names the version that
#   was read, so ZooKeeper refuses it if the node has changed. A controller that is elected between the
#   look and the deletion has the same version: then brokers elect one once more.
set -uo pipefail

LINK=$1
DEADLINE=$((SECONDS + $2))

say() {
  printf 'kafka-session: %s\n' "$1"
}

# property KEY: its value in the broker's configuration.
property() {
  sed -n "s/^$1=//p" "$LINK/config/server.properties" | tail -n 1
}

# stopped_cleanly DATA: whether no former process can be registered. Kafka writes this file at the end
# of an orderly stop, and deletes it at the next start. A new broker has no meta.properties.
stopped_cleanly() {
  [[ ! -s $1/meta.properties || -e $1/.kafka_cleanshutdown ]]
}

# open_shell: starts one JVM for all questions. It needs none of the broker's own options, such as its
# heap and its JMX port. Not as a coprocess: bash closes the pipes of one that has ended, and with them
# goes what it has said.
open_shell() {
  local questions
  questions=$(mktemp --dry-run)
  mkfifo -m 0600 "$questions"
  exec {SHELL_IN}<>"$questions"
  exec {SHELL_OUT}< <(
    exec <"$questions" {SHELL_IN}>&-
    rm -f "$questions"
    KAFKA_HEAP_OPTS=-Xmx32m KAFKA_OPTS="" \
      KAFKA_JVM_PERFORMANCE_OPTS="-XX:+UseG1GC -XX:TieredStopAtLevel=1" \
      exec "$LINK/bin/zookeeper-shell.sh" "$(property zookeeper.connect)" 2>&1
  )
  SHELL_PID=$!
  trap close_shell EXIT
}

# close_shell: the broker needs the memory, and nothing of the shell's work is left to be done.
close_shell() {
  kill -KILL "$SHELL_PID"
  wait "$SHELL_PID"
} 2>/dev/null

# ask COMMAND: leaves in ANSWER the lines up to the one that the command `version` prints. The shell
# answers also while it has no connection, with an error: then this asks again.
ask() {
  local line left
  while true; do
    ANSWER=""
    printf '%s\n' "$1" version >&"$SHELL_IN" || return
    while true; do
      left=$((DEADLINE - SECONDS))
      ((left > 0)) && IFS= read -r -t "$left" -u "$SHELL_OUT" line || return
      [[ $line != "ZooKeeper CLI version"* ]] || break
      ANSWER+=$line$'\n'
    done
    [[ $ANSWER =~ "KeeperErrorCode = "(ConnectionLoss|SessionExpired) ]] || return 0
    sleep 0.1
  done
}

# stat_of NAME: a field of the answer to `get -s`.
stat_of() {
  sed -n "s/^$1 = //p" <<<"$ANSWER"
}

# delete PATH SESSION: the node of the last `get -s`. Only an error names the path.
delete() {
  ask "delete -v $(stat_of dataVersion) $1" || return
  if [[ $ANSWER == *"$1"* ]]; then
    say "$1 not deleted; last saw $ANSWER"
    return 1
  fi
  say "deleted $1 of session $2, which this broker's former process left behind"
}

# serves PORT: whether a process on this host accepts connections there.
serves() {
  (: <"/dev/tcp/localhost/$1") 2>/dev/null
}

main() {
  local data registration listener session
  data=$(property log.dirs)
  ! stopped_cleanly "${data%%,*}" || return 0
  registration=/brokers/ids/$(property broker.id)
  listener=$(property advertised.listeners)
  listener=${listener#*://} listener=${listener%%,*}
  open_shell
  ask "get -s $registration" || {
    say "no answer from ZooKeeper; the broker asks it again; last saw $ANSWER"
    return
  }
  session=$(stat_of ephemeralOwner)
  [[ -n $session && $ANSWER == *"://${listener%:*}:"* ]] || return 0
  # It may be a broker that somebody has started by hand.
  ! serves "${listener##*:}" || return 0
  delete "$registration" "$session" || return
  ask "get -s /controller" && [[ $(stat_of ephemeralOwner) == "$session" ]] || return 0
  delete /controller "$session"
}

main
