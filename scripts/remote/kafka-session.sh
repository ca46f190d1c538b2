#!/bin/bash
# Deletes the registration of a broker's former process from ZooKeeper, so that the broker can register at
# once. Otherwise the start fails until the former session expires. systemd runs this script on the broker's
# host before each start of the broker, as the broker's user: kafka-session.sh LINK SECONDS
#
# Inputs: LINK (the release; its server.properties identifies the broker), SECONDS (time limit for
#   ZooKeeper's answers; after it the broker starts in any case).
# Idempotent: does nothing after a clean stop. It deletes only a registration of this host, and the
#   controller's node only if the same session owns it. Each deletion contains the version that was read, so
#   ZooKeeper rejects it if the node has changed. A controller that is elected between the query and the
#   deletion has the same version. In that case the brokers elect a controller again.
set -uo pipefail

LINK=$1
DEADLINE=$((SECONDS + $2))

say() {
  printf 'kafka-session: %s\n' "$1"
}

# property KEY: prints the key's value in the broker's configuration.
property() {
  sed -n "s/^$1=//p" "$LINK/config/server.properties" | tail -n 1
}

# stopped_cleanly DATA: whether no former process can be registered. Kafka writes this file at the end of a
# clean shutdown, and deletes it at the next start. A new broker has no meta.properties.
stopped_cleanly() {
  [[ ! -s $1/meta.properties || -e $1/.kafka_cleanshutdown ]]
}

# login_option: prints the option of the broker's JVM that names the file with its login to ZooKeeper, if there
# is one. Its registration may belong to that user only.
login_option() {
  local option
  for option in ${KAFKA_OPTS-}; do
    [[ $option != -Djava.security.auth.login.config=* ]] || printf '%s' "$option"
  done
}

# open_shell: starts one JVM for all requests, without the broker's other options such as heap and JMX port. It
# is not a coprocess: bash closes the pipes of a coprocess that has ended, and its last output would be lost.
open_shell() {
  local questions
  questions=$(mktemp --dry-run)
  mkfifo -m 0600 "$questions"
  exec {SHELL_IN}<>"$questions"
  exec {SHELL_OUT}< <(
    exec <"$questions" {SHELL_IN}>&-
    rm -f "$questions"
    KAFKA_HEAP_OPTS=-Xmx32m KAFKA_OPTS=$(login_option) \
      KAFKA_JVM_PERFORMANCE_OPTS="-XX:+UseG1GC -XX:TieredStopAtLevel=1" \
      exec "$LINK/bin/zookeeper-shell.sh" "$(property zookeeper.connect)" 2>&1
  )
  SHELL_PID=$!
  trap close_shell EXIT
}

# close_shell: kills the shell. It has nothing left to do, and the broker needs the memory.
close_shell() {
  kill -KILL "$SHELL_PID"
  wait "$SHELL_PID"
} 2>/dev/null

# ask COMMAND: sends COMMAND and `version`, and stores the lines before the version in ANSWER. While the shell
# has no connection it answers with an error. In that case this function sends the command again.
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

# stat_of NAME: prints a field of the answer to `get -s`.
stat_of() {
  sed -n "s/^$1 = //p" <<<"$ANSWER"
}

# delete PATH SESSION: deletes the node of the last `get -s`. Only an error message contains the path.
delete() {
  ask "delete -v $(stat_of dataVersion) $1" || return
  if [[ $ANSWER == *"$1"* ]]; then
    say "$1 not deleted; last saw $ANSWER"
    return 1
  fi
  say "deleted $1 of session $2, which this broker's former process left behind"
}

# serves PORT: whether a process on this host accepts connections on the port.
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
  # Somebody may have started a broker manually.
  ! serves "${listener##*:}" || return 0
  delete "$registration" "$session" || return
  ask "get -s /controller" && [[ $(stat_of ephemeralOwner) == "$session" ]] || return 0
  delete /controller "$session"
}

main
