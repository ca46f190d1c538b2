#!/bin/bash
# Lists, describes and resets consumer groups.
#
# Inputs: the tool's own arguments (--help lists them); environment as kafka-run-class.sh.
# Idempotence: as the tool.
set -euo pipefail

exec "$(dirname "${BASH_SOURCE[0]}")/kafka-run-class.sh" org.apache.kafka.tools.consumer.group.ConsumerGroupCommand "$@"
