#!/bin/bash
# Asks every broker on this machine to shut down in good order.
#
# Inputs: SIGNAL (TERM). Apache's script can choose among KRaft nodes by arguments. This one takes none, so
#   that it never stops more than it was asked to.
# Idempotence: says so and fails, as Apache's script does, when no broker runs.
set -euo pipefail

if [ $# -gt 0 ]; then
  echo "USAGE: $0 (stops every broker on this machine; takes no arguments)" >&2
  exit 1
fi
if ! pkill "-${SIGNAL:-TERM}" -f '[ ]kafka\.Kafka( |$)'; then
  echo "No kafka server to stop" >&2
  exit 1
fi
