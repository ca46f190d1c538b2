#!/bin/bash
# Asks every ZooKeeper server on this machine to shut down.
#
# Inputs: SIGNAL (TERM).
# Idempotence: says so and fails, as Apache's script does, when no server runs.
set -euo pipefail

if [ $# -gt 0 ]; then
  echo "USAGE: $0 (stops every ZooKeeper server on this machine; takes no arguments)" >&2
  exit 1
fi
if ! pkill "-${SIGNAL:-TERM}" -f '[ ]org\.apache\.zookeeper\.server\.quorum\.QuorumPeerMain( |$)'; then
  echo "No zookeeper server to stop" >&2
  exit 1
fi
