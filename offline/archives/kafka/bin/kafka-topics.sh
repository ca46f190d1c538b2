#!/bin/bash
# Creates, lists, describes, changes and deletes topics.
#
# Inputs: the tool's own arguments (--help lists them); environment as kafka-run-class.sh.
# Idempotence: as the tool.
set -euo pipefail

exec "$(dirname "${BASH_SOURCE[0]}")/kafka-run-class.sh" org.apache.kafka.tools.TopicCommand "$@"
