#!/bin/bash
# Asks every broker on this machine to shut down in good order.
#
# Inputs: none.
# Idempotence: says so and fails, as Apache's script does, when no broker runs.
set -euo pipefail

if ! pkill -TERM -f '[ ]kafka\.Kafka( |$)'; then
  echo "No kafka server to stop" >&2
  exit 1
fi
