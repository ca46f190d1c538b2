#!/bin/bash
# Waits until a Kafka cluster is whole: every broker registered, every replica in sync.
#
# Inputs: BOOTSTRAP (host:port of every broker), BROKER_IDS. Comes after kafka.sh.
# Idempotent: asks only.

READY_SECONDS=300

whole() {
  local server
  # shellcheck disable=SC2086 # One word an id.
  kafka_whole "$(cut -d , -f 1-3 <<<"$BOOTSTRAP")" $BROKER_IDS || return 1
  # A broker that is gone stays registered for as long as its session with ZooKeeper lasts.
  for server in ${BOOTSTRAP//,/ }; do
    port_open "${server%:*}" "${server#*:}" || {
      SEEN="$SEEN; port closed: $server"
      return 1
    }
  done
}

main() {
  # Cheaper than a kcat that finds nobody.
  SEEN="port 9092 of $HOST closed"
  wait_until "$READY_SECONDS" "Kafka cluster not whole" \
    "journalctl -u kafka-server on each broker" whole
  say "Kafka: $SEEN"
}

main </dev/null
