#!/bin/bash
# Prints the messages of a topic.
#
# Inputs: the tool's own arguments (--help lists them); environment as kafka-run-class.sh.
# Idempotence: as the tool.
set -euo pipefail

export KAFKA_HEAP_OPTS=${KAFKA_HEAP_OPTS:--Xmx512M}
exec "$(dirname "${BASH_SOURCE[0]}")/kafka-run-class.sh" org.apache.kafka.tools.consumer.ConsoleConsumer "$@"
