#!/bin/bash
# Starts a broker: kafka-server-start.sh [-daemon] server.properties [--override name=value]...
#
# Inputs: as kafka-run-class.sh; the heap is 1 GiB unless KAFKA_HEAP_OPTS says otherwise.
# Idempotence: none; two brokers on one data directory are refused by Kafka's lock on it.
set -euo pipefail

daemon=()
if [ "${1-}" = "-daemon" ]; then
  daemon=(-daemon)
  shift
fi
if [ $# -eq 0 ]; then
  echo "USAGE: $0 [-daemon] server.properties [--override name=value]..." >&2
  exit 1
fi
export KAFKA_HEAP_OPTS=${KAFKA_HEAP_OPTS:--Xmx1G -Xms1G}
exec "$(dirname "${BASH_SOURCE[0]}")/kafka-run-class.sh" "${daemon[@]}" kafka.Kafka "$@"
