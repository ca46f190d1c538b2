#!/bin/bash
# Prints what a snapshot holds.
#
# Inputs: the tool's own arguments; JVMFLAGS.
# Idempotence: as the tool.
set -euo pipefail

# shellcheck source=zkEnv.sh
. "$(dirname "${BASH_SOURCE[0]}")/zkEnv.sh"

zk_tool org.apache.zookeeper.server.SnapshotFormatter "$@"
